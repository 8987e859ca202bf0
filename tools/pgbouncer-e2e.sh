#!/usr/bin/env bash
# Runs the whole black-box suite through PgBouncer in transaction mode, one in front of every test's database, with
# DATABASE_DIRECT_URL beside it. PgBouncer is installed where it is missing and may be. Arguments go to `go test`.
set -euo pipefail
cd "$(dirname "$0")/.."

TEST_REPORT=$(mktemp) # where the suite says what "ok" does not: how much went through
export TEST_REPORT TEST_DATABASE_VIA=pgbouncer
trap 'rm -f "$TEST_REPORT"' EXIT
bin/authdev test -- go test -race -count=1 -timeout=40m ./e2e "$@"
cat "$TEST_REPORT"
