#!/usr/bin/env bash
# Prints the schema that the migrations produce, from a private PostgreSQL, without what differs between versions of pg_dump.
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
go build -o bin/authdev ./cmd/authdev
bin/authdev test -- bash -c '
	set -euo pipefail
	url=$(bin/authdev scratch)
	pg_dump --schema-only --schema=auth --no-owner --no-privileges "$url"
' | sed -E '/^--/d; /^SET /d; /^SELECT pg_catalog/d; /^\\(un)?restrict/d' | cat -s
