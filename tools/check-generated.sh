#!/usr/bin/env bash
# Fails when regenerating changes a byte, or leaves a file that is not committed.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/generate.sh
if ! git diff --exit-code --stat -- gen db/schema.sql || [ -n "$(git status --porcelain -- gen db/schema.sql)" ]; then
	git status --short -- gen db/schema.sql >&2
	echo "gen/ or db/schema.sql is not what the sources say: run make generate and commit the result" >&2
	exit 1
fi
