#!/usr/bin/env bash
# Holds db/queries to the rules of sqlc.yaml, and has PostgreSQL prepare each statement on a migrated database. Runs under
# `authdev test`, which gives it a server. At the end it shows, with a statement that sqlc takes and PostgreSQL refuses, that a refusal
# fails it.
set -euo pipefail
cd "$(dirname "$0")/.."

SQLC_DATABASE_URL=$(bin/authdev scratch)
export SQLC_DATABASE_URL
vet() { tools/tool.sh sqlc vet "$@"; }
vet

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/db"
cp -r db/migrations "$copy/db"
cp sqlc.yaml "$copy"
mkdir "$copy/db/queries"
printf '%s\n' '-- name: Refused :many' "SELECT id FROM auth.users WHERE id = '{}'::jsonb;" >"$copy/db/queries/refused.sql"
if words=$(vet -f "$copy/sqlc.yaml" 2>&1); then
	echo "sqlc vet lets a statement pass that PostgreSQL refuses" >&2
	exit 1
fi
grep -q 'db-prepare' <<<"$words" || { printf '%s\n' "$words" >&2; exit 1; }
