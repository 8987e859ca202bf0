#!/usr/bin/env bash
# Backs up or restores as `authd backup` does: the database of DATABASE_URL, else that of the running development stack. Where
# pg_dump is missing it is brought: as root from Debian's packages, else unpacked from them into a cache folder.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${DATABASE_URL:-}" ]; then
	if [ ! -f .dev/run.env ]; then
		echo "There is no database: start the development stack (make run), or set DATABASE_URL" >&2
		exit 2
	fi
	set -a
	# shellcheck source=/dev/null
	. .dev/run.env
	set +a
fi
if ! command -v pg_dump >/dev/null && ! ls /usr/lib/postgresql/*/bin/pg_dump >/dev/null 2>&1; then
	if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
		echo "pg_dump is not installed: installing Debian's postgresql-client" >&2
		apt-get update -qq && apt-get install -y -qq postgresql-client >&2
	else
		brought=$(tools/postgres-client.sh)
		PATH=${brought%%$'\n'*}:$PATH
		export PATH LD_LIBRARY_PATH=${brought#*$'\n'}
	fi
fi
exec bin/authd backup "$@"
