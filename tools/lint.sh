#!/usr/bin/env bash
# Silent when the code is formatted and the linters have nothing to say.
set -euo pipefail
cd "$(dirname "$0")/.."

lint() { go tool -modfile=tools/lint/go.mod "$@"; }

unformatted=$(lint gofumpt -l $(git ls-files '*.go' ':!gen'))
if [ -n "$unformatted" ]; then
	printf 'not formatted (make fmt):\n%s\n' "$unformatted" >&2
	exit 1
fi
lint golangci-lint run --show-stats=false ./...
(cd authclient && go tool -modfile=../tools/lint/go.mod golangci-lint run --show-stats=false ./...)
tools/npm-install.sh tools/ts
tools/ts/node_modules/.bin/redocly lint --config tools/ts/redocly.yaml --format=summary api/openapi.yaml >/dev/null 2>&1 ||
	tools/ts/node_modules/.bin/redocly lint --config tools/ts/redocly.yaml api/openapi.yaml
tools/npm-install.sh clients/express
clients/express/node_modules/.bin/tsc -p clients/express --noEmit
bin/authdev test -- tools/sqlc-vet.sh
