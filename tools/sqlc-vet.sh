#!/usr/bin/env bash
# Holds db/queries to the rules of sqlc.yaml. Runs under `authdev test`, which gives it a server.
set -euo pipefail
CGO_ENABLED=0 go tool -modfile=tools/sqlc/go.mod sqlc vet
