#!/usr/bin/env bash
# Formats every hand-written Go file.
set -euo pipefail
cd "$(dirname "$0")/.."
go tool -modfile=tools/lint/go.mod gofumpt -w $(git ls-files '*.go' ':!gen')
