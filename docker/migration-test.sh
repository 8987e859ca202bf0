#!/bin/sh
# Takes an empty database up, down and up again, and exits 0 where nothing differs from what the migrations should produce.
# DATABASE_URL says where, AUTHD which program. A database that has been migrated before is left alone: a rollback is no
# test for somebody's data.
set -eu
authd=${AUTHD:-bin/authd}

step() {
	echo "== authd schema $*"
	"$authd" schema "$@"
}
fail() {
	echo "migration-test: $*" >&2
	exit 1
}
fingerprint() { "$authd" schema validate | sed -n 's/^fingerprint //p'; }
applied() { "$authd" schema status 2>/dev/null | grep -c '^applied' || true; }

"$authd" schema status >/dev/null 2>&1 || [ $? -eq 1 ] || step status # 2: it says itself why it could not be asked
[ "$(applied)" -eq 0 ] || fail "this database has been migrated before: give me an empty one"

step migrate
step validate
first=$(fingerprint)
all=$(applied)

step rollback --to 000
[ "$(applied)" -eq 1 ] || fail "after the rollback $(applied) of $all migrations are applied, expected only the legacy table's"

step migrate
step validate
[ "$(fingerprint)" = "$first" ] || fail "up, down and up again ends at $(fingerprint), expected $first"
[ "$(applied)" -eq "$all" ] || fail "$(applied) of $all migrations are applied again"
echo "migration-test: $all migrations went up, down and up again, fingerprint $first"
