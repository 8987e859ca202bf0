#!/usr/bin/env bash
# Measures bin/authd beside a bare handler: bench.sh [flags], or bench.sh check. See bench.sh --help. Exits 1 when a request failed.
set -euo pipefail
cd "$(dirname "$0")/.."
CGO_ENABLED=0 go build -o bin/bench ./bench
exec bin/bench "$@"
