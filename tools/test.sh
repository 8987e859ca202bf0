#!/usr/bin/env bash
# Runs tests against real parts, with the race detector. Without arguments: everything, and the coverage of hand-written code
# must be at least 85 %. With arguments: those packages.
set -euo pipefail
cd "$(dirname "$0")/.."

# The race detector looks at each access of memory. In packages that only compute, and share nothing, that costs two thirds of a run's
# processor time and finds nothing: bcrypt alone becomes thirty times slower.
race=(-race)
for computing in golang.org/x/crypto/... crypto/internal/fips140/... github.com/yuin/gopher-lua/...; do
	race+=("-gcflags=$computing=-race=false")
done
if [ $# -gt 0 ]; then
	exec bin/authdev test -- go test "${race[@]}" -timeout=40m "$@"
fi
# A full disk fails any test for another reason.
needed=8 # GB
for folder in "${TMPDIR:-/tmp}" "$(go env GOCACHE)"; do
	if [ "$(df -Pk "$folder" | awk 'END { print int($4 / 1048576) }')" -lt "$needed" ]; then
		echo "$folder has less than $needed GB free: free some; go clean -cache empties the compiler's cache" >&2
		exit 1
	fi
done
profiles=$(mktemp -d)
export TEST_REPORT=$profiles/report # where a package says what "ok" does not
touch "$TEST_REPORT"
migrators=
trap '[ -z "$migrators" ] || kill "$migrators" 2>/dev/null || true; rm -rf "$profiles"' EXIT
generated_or_for_tests='/gen/|/testkit/|/e2e|/bench'
hand_written=$(go list ./... | grep -vE "$generated_or_for_tests" | paste -sd,)

# run NAME FLAG... PACKAGE... go vet is a part of make lint.
run() {
	local name=$1
	shift
	tools/test-progress.sh "$name" "$profiles/$name.events" bin/authdev test -- \
		tools/tool.sh gotestsum --format=pkgname-and-test-fails --hide-summary=skipped --jsonfile="$profiles/$name.events" -- \
		-shuffle=on -vet=off -timeout=40m -coverprofile="$profiles/$name" "$@" | sed -uE 's/ \(coverage: .*//'
}
# A room's tests count for the room, the black-box tests for everything: to link everything into each room's tests takes as long as
# they do. The black-box tests hold time limits, so they run when nothing else does; they wait more than they compute, so five of
# them run at once. The tests of internal/schema wait for PostgreSQL, which the race detector does not see and makes twice as slow:
# those in which migrators meet run with it, and the others beside them without, built as make builds.
schema=auth-v2-service/internal/schema
run rooms "${race[@]}" $(go list ./... | grep -vE "/e2e\$|^$schema\$")
meetings='AtOnce|Killed'
run meetings "${race[@]}" -run "$meetings" "$schema" &
migrators=$!
failed=0
CGO_ENABLED=0 run schema -skip "$meetings" "$schema" || failed=1
wait "$migrators"
migrators=
[ "$failed" -eq 0 ]
# Half of the black-box tests go through PgBouncer, another half for each commit; make e2e-pgbouncer has all go through. Not those that
# hold times, whose crowd would leave a pooler beside it no processor.
TEST_DATABASE_VIA=${TEST_DATABASE_VIA-half:$(git rev-parse --short HEAD 2>/dev/null || echo any)}
TEST_DATABASE_DIRECT='^Test(Clocks|Instances_Killed|LoginCosts|LoginTiming|Moves_|NewUsers|Proxies|Revocation_|Strangers)'
export TEST_DATABASE_VIA TEST_DATABASE_DIRECT
run e2e "${race[@]}" -parallel=5 -coverpkg="$hand_written" ./e2e
# What other services import is a module of its own, and needs none of the parts.
(cd authclient && ../tools/tool.sh gotestsum --format=pkgname-and-test-fails --hide-summary=skipped -- \
	-race -shuffle=on -timeout=5m -coverpkg=. -coverprofile="$profiles/authclient" ./... | sed -E 's/ \(coverage: .*//')
# The same for Express services is an npm package.
tools/npm-install.sh clients/express
npm test --silent --prefix clients/express
cat "$TEST_REPORT"
{ cat "$profiles/e2e"; tail -qn +2 "$profiles/rooms" "$profiles/meetings" "$profiles/schema" | grep -vE "$generated_or_for_tests"; } >"$profiles/all"
tools/coverage.sh "$profiles/all" 85
printf 'authclient, '
(cd authclient && ../tools/coverage.sh "$profiles/authclient" 85)
