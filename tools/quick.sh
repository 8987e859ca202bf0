#!/usr/bin/env bash
# What a developer runs before each commit: go vet, and the tests of the service's rooms against PostgreSQL and Redis. Without the race
# detector, browsers, the official emulator, other programs, backups, and migrations of large tables: make test runs everything.
set -euo pipefail
cd "$(dirname "$0")/.."

export CGO_ENABLED=0 # as make builds, from the same cache
test_rooms() {
	bin/authdev test -- tools/tool.sh gotestsum --format=pkgname-and-test-fails --hide-summary=skipped -- -timeout=10m "$@"
}
go vet ./...
test_rooms -skip '.*/official' $(go list ./internal/... | grep -vE '/(devstack|testkit|backup|schema|archtest)(/|$)')
test_rooms -skip 'Compose|Hooks' ./internal/archtest
test_rooms -run 'UpDownUp|Queries|Statements|Compare|Validate|Expected' ./internal/schema
