#!/usr/bin/env bash
# Holds the contract to the recommended rules of Redocly and Spectral: lint-contract.sh [FILE]. A warning fails as an error does.
# The exceptions stand in tools/ts/redocly.yaml and tools/ts/spectral.yaml, each with its reason. Silent when there is nothing to say.
set -euo pipefail
cd "$(dirname "$0")/.."

contract=${1:-api/openapi.yaml}
bin=tools/ts/node_modules/.bin
redocly() { "$bin/redocly" lint --config tools/ts/redocly.yaml "$@" "$contract"; }

tools/npm-install.sh tools/ts
# Redocly exits 0 for warnings, so its problems are counted.
problems=$(redocly --format=json 2>/dev/null | node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).problems.length') || problems=some
if [ "$problems" != 0 ]; then
	redocly --format=stylish >&2 || true
	exit 1
fi
if ! words=$("$bin/spectral" lint --ruleset tools/ts/spectral.yaml --fail-severity=warn "$contract" 2>&1); then
	printf '%s\n' "$words" >&2
	exit 1
fi
