#!/usr/bin/env bash
# Runs tests against real parts, with the race detector. Without arguments: everything, and the coverage of hand-written code
# must be at least 85 %. With arguments: those packages.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -gt 0 ]; then
	exec bin/authdev test -- go test -race "$@"
fi
profile=$(mktemp)
export TEST_REPORT=$(mktemp) # where a package says what "ok" does not
trap 'rm -f "$profile" "$TEST_REPORT"' EXIT
hand_written=$(go list ./... | grep -vE '/gen/|/testkit/|/e2e|/bench' | paste -sd,)
bin/authdev test -- go tool -modfile=tools/gotestsum/go.mod gotestsum --format=pkgname-and-test-fails --hide-summary=skipped -- \
	-race -shuffle=on -timeout=20m -coverpkg="$hand_written" -coverprofile="$profile" ./... | sed -E 's/ \(coverage: .*//'
FUZZTIME=${FUZZTIME:-10s} tools/fuzz.sh
cat "$TEST_REPORT"
tools/coverage.sh "$profile" 85
