#!/usr/bin/env bash
# Fails when regenerating changes a byte, or leaves a file that is not committed.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/generate.sh
if ! git diff --exit-code --stat -- gen db/queries db/schema.sql db/catalogue*.jsonl || [ -n "$(git status --porcelain -- gen db/queries db/schema.sql db/catalogue*.jsonl)" ]; then
	git status --short -- gen db/queries db/schema.sql db/catalogue*.jsonl >&2
	echo "gen/, db/queries, db/schema.sql or db/catalogue*.jsonl is not what the sources say: run make generate and commit the result" >&2
	exit 1
fi
