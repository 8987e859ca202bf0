#!/usr/bin/env bash
# Regenerates in a copy of what is staged, where it runs, and refuses when a byte differs: pre-commit-generated.sh [code] [schema]
# code is gen/ without gen/ts; schema is db/schema.sql and db/catalogue*.jsonl, where PostgreSQL is installed already.
set -euo pipefail

failed=0
refuse() {
	printf 'pre-commit: %s\n' "$1" >&2
	failed=1
}

code() {
	mv gen ../gen
	cp -r db/queries ../queries
	if ! words=$(tools/generate.sh --go 2>&1); then
		refuse "the generators refuse the staged sources:"$'\n'"$words"
	elif ! diff -rq ../queries db/queries >/dev/null; then
		refuse "a query lists other columns of a user than UserByID: run make generate and git add db/queries gen"
	elif ! words=$(diff -rq --exclude=ts ../gen gen); then
		refuse "gen/ is not what the staged contract, migrations and queries say: run make generate and git add gen"
		sed -E 's/^Files .* and (.*) differ$/	\1 differs/; s/^Only in \.\.\/(.*): /	should not be there: \1\//; s/^Only in (.*): /	is missing: \1\//' <<<"$words" >&2
	fi
}

schema() {
	if ! command -v pg_dump >/dev/null || ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && ! command -v initdb >/dev/null; then
		echo "pre-commit: db/schema.sql and db/catalogue*.jsonl were not checked, for no PostgreSQL is installed: CI will" >&2
		return
	fi
	mkdir ../db
	cp db/schema.sql db/catalogue*.jsonl ../db
	if ! words=$(tools/dump-schema.sh 2>&1); then
		refuse "the staged migrations do not run on an empty database:"$'\n'"$words"
		return
	fi
	for file in ../db/*; do
		cmp -s "$file" "db/${file##*/}" || refuse "db/${file##*/} is not what the staged migrations produce: run make generate and git add db"
	done
}

for part in "$@"; do "$part"; done
exit "$failed"
