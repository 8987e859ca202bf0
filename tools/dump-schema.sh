#!/usr/bin/env bash
# Writes what the migrations produce, from a private PostgreSQL: db/schema.sql for people (without what differs between
# versions of pg_dump), db/catalogue.jsonl and db/catalogue_legacy.jsonl for authd, which compares live schemas with them.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v pg_dump >/dev/null; then
	if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
		echo "pg_dump is not installed, and only root can install it here: install PostgreSQL's client programs" >&2
		echo "(Debian: sudo apt-get install postgresql-client; macOS: brew install libpq) and run this again" >&2
		exit 1
	fi
	echo "pg_dump is not installed: installing Debian's postgresql-client" >&2
	apt-get update -qq && apt-get install -y -qq postgresql-client >&2
fi
CGO_ENABLED=0 go build -o bin/authdev ./cmd/authdev # as make build does, from the same cache
# shellcheck disable=SC2016 # the inner shell expands
bin/authdev test -- bash -c '
	set -euo pipefail
	write() { "${@:2}" >"$1.new" && mv "$1.new" "$1"; }
	dump() {
		pg_dump --schema-only --schema=auth --no-owner --no-privileges "$(bin/authdev scratch)" |
			sed -E "/^--/d; /^SET /d; /^SELECT pg_catalog/d; /^\\\\(un)?restrict/d" | cat -s
	}
	write db/schema.sql dump
	write db/catalogue.jsonl bin/authdev scratch --catalogue
	write db/catalogue_legacy.jsonl bin/authdev scratch --catalogue --to=000
'
