#!/usr/bin/env bash
# Runs the whole black-box suite through PgBouncer in transaction mode, one in front of every test's database, with
# DATABASE_DIRECT_URL beside it. PgBouncer is installed where it is missing and may be. Arguments go to `go test`.
set -euo pipefail
cd "$(dirname "$0")/.."

TEST_REPORT=$(mktemp) # where the suite says what "ok" does not: how much went through
export TEST_REPORT TEST_DATABASE_VIA=pgbouncer
trap 'rm -f "$TEST_REPORT"' EXIT
# Without the race detector: "make test" has run the same tests with it, and a pooler changes what PostgreSQL sees, not our memory.
# Built as make builds, from the same cache.
CGO_ENABLED=0 bin/authdev test -- go test -count=1 -parallel=3 -timeout=40m ./e2e "$@"
cat "$TEST_REPORT"
