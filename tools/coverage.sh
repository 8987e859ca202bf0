#!/usr/bin/env bash
# Prints the coverage of a profile and fails below a percentage: coverage.sh PROFILE PERCENT
set -euo pipefail
total=$(go tool cover -func="$1" | awk 'END{sub("%","",$3); print $3}')
echo "coverage of hand-written code: $total % (at least $2 %)"
awk -v total="$total" -v least="$2" 'BEGIN{exit !(total >= least)}'
