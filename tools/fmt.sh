#!/usr/bin/env bash
# Formats every hand-written Go file.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/tool.sh gofumpt -w $(tools/files.sh '*.go' ':!gen')
