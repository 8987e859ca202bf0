#!/usr/bin/env bash
# Runs tests against real parts, with the race detector. Without arguments: everything, and the coverage of hand-written code
# must be at least 85 %. With arguments: those packages.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -gt 0 ]; then
	exec bin/authdev test -- go test -race "$@"
fi
profile=$(mktemp)
trap 'rm -f "$profile"' EXIT
hand_written=$(go list ./... | grep -vE '/gen/|/testkit/|/devstack|/cmd/' | paste -sd,)
bin/authdev test -- go test -race -shuffle=on -timeout 20m -coverpkg="$hand_written" -coverprofile="$profile" ./...
FUZZTIME=${FUZZTIME:-5s} tools/fuzz.sh
tools/coverage.sh "$profile" 85
