#!/usr/bin/env bash
# Fuzzes every target for FUZZTIME (default 30s) each. What is found interesting is made small for a second, or nothing else is done.
set -euo pipefail
cd "$(dirname "$0")/.."

grep -rlE '^func Fuzz' --include='*_test.go' internal | while read -r file; do
	package=./$(dirname "$file")
	grep -oE '^func Fuzz\w+' "$file" | cut -d' ' -f2 | while read -r target; do
		echo "== $package $target"
		go test "$package" -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-30s}" -fuzzminimizetime 1s
	done
done
