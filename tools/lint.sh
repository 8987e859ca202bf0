#!/usr/bin/env bash
# Says which step runs, and nothing else when the code is formatted and the linters are content.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { echo "lint: $1" >&2; }

tools/tool.sh --build
unformatted=$(tools/tool.sh gofumpt -l $(tools/files.sh '*.go' ':!gen'))
if [ -n "$unformatted" ]; then
	printf 'not formatted (make fmt):\n%s\n' "$unformatted" >&2
	exit 1
fi
step "Go (golangci-lint; minutes where nothing is cached)"
tools/tool.sh golangci-lint run --show-stats=false ./...
(cd authclient && ../tools/tool.sh golangci-lint run --show-stats=false ./...)
step "the contract and the clients"
tools/lint-contract.sh
tools/npm-install.sh clients/express
clients/express/node_modules/.bin/tsc -p clients/express --noEmit
step "the queries"
bin/authdev test -- tools/sqlc-vet.sh
