#!/usr/bin/env bash
# Runs tests against real parts, with the race detector. Without arguments: everything, and the coverage of hand-written code
# must be at least 85 %. With arguments: those packages.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -gt 0 ]; then
	exec bin/authdev test -- go test -race -timeout=40m "$@"
fi
profiles=$(mktemp -d)
export TEST_REPORT=$profiles/report # where a package says what "ok" does not
touch "$TEST_REPORT"
trap 'rm -rf "$profiles"' EXIT
hand_written=$(go list ./... | grep -vE '/gen/|/testkit/|/e2e|/bench' | paste -sd,)

# run NAME PACKAGES: the black-box tests hold time limits, so they run when nothing else does.
run() {
	local name=$1
	shift
	bin/authdev test -- tools/tool.sh gotestsum --format=pkgname-and-test-fails --hide-summary=skipped -- \
		-race -shuffle=on -timeout=40m -coverpkg="$hand_written" -coverprofile="$profiles/$name" "$@" | sed -E 's/ \(coverage: .*//'
}
run rooms $(go list ./... | grep -v '/e2e$')
run e2e ./e2e
# What other services import is a module of its own, and needs none of the parts.
(cd authclient && ../tools/tool.sh gotestsum --format=pkgname-and-test-fails --hide-summary=skipped -- \
	-race -shuffle=on -timeout=5m -coverpkg=. -coverprofile="$profiles/authclient" ./... | sed -E 's/ \(coverage: .*//')
# The same for Express services is an npm package.
tools/npm-install.sh clients/express
npm test --silent --prefix clients/express
FUZZTIME=${FUZZTIME:-10s} tools/fuzz.sh
cat "$TEST_REPORT"
{ cat "$profiles/rooms"; tail -n +2 "$profiles/e2e"; } >"$profiles/all"
tools/coverage.sh "$profiles/all" 85
printf 'authclient, '
(cd authclient && ../tools/coverage.sh "$profiles/authclient" 85)
