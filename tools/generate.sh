#!/usr/bin/env bash
# Makes gen/, db/schema.sql and db/catalogue*.jsonl anew from the sources of truth: api/openapi.yaml, db/migrations and db/queries, where it
# writes the columns of a user, as UserByID lists them, into every query that returns one.
# With --go it makes the Go code of gen/ only, which needs neither npm nor PostgreSQL.
set -euo pipefail
cd "$(dirname "$0")/.."

oapi() { tools/tool.sh oapi-codegen "$@"; }

rm -rf gen
mkdir -p gen/api gen/client gen/ts
oapi -config oapi.yaml api/openapi.yaml
oapi -config tools/oapi/client.yaml api/openapi.yaml
go run ./tools/usercolumns sql
tools/tool.sh sqlc generate
go run ./tools/usercolumns go
[ "${1:-}" != --go ] || exit 0
tools/npm-install.sh tools/ts
tools/ts/node_modules/.bin/openapi-typescript api/openapi.yaml --output gen/ts/schema.d.ts >/dev/null
tools/dump-schema.sh
