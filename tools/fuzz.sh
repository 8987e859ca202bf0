#!/usr/bin/env bash
# Fuzzes every target for FUZZTIME (default 30s) each. What is found interesting is made small for a second, or nothing else is done.
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT

fuzz() { # package target
	echo "== $1 $2"
	go test -vet=off "$1" -run '^$' -fuzz "^$2\$" -fuzztime "${FUZZTIME:-30s}" -fuzzminimizetime 1s | tee "$log" || only_time_ran_out "$2"
}

# Go before 1.27 now and then calls the end of -fuzztime itself a failure (go.dev/issue/75804): the deadline is all that it reports,
# where a failure of the target comes with the input that caused it.
only_time_ran_out() { # target
	grep -A1 "^--- FAIL: $1 " "$log" | grep -qxF '    context deadline exceeded' && ! grep -qi 'failing input' "$log" &&
		echo "$1 failed at nothing: its time was over"
}

grep -rlE '^func Fuzz' --include='*_test.go' internal | while read -r file; do
	grep -oE '^func Fuzz\w+' "$file" | cut -d' ' -f2 | while read -r target; do
		fuzz "./$(dirname "$file")" "$target"
	done
done
