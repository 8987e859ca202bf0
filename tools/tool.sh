#!/usr/bin/env bash
# Runs a pinned tool: tools/tool.sh golangci-lint run ./...
# A tool is built once for each of its versions and for each version of Go. The user's cache keeps it, so that make generate, make lint,
# the pre-commit hook and every checkout share one build. Building prints a line at its start and one each 10 s.
# tools/tool.sh --build builds all tools and runs none.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# The folder of each tool is a Go module that names its packages in `tool` lines.
folder_of() {
	case $1 in
	oapi-codegen) echo oapi ;;
	sqlc) echo sqlc ;;
	golangci-lint | gofumpt) echo lint ;;
	gotestsum) echo gotestsum ;;
	*) echo "tools/tool.sh: there is no tool $1 (oapi-codegen, sqlc, golangci-lint, gofumpt, gotestsum)" >&2; return 2 ;;
	esac
}

# build NAME: prints the program's path, and builds it first where it is missing.
build() {
	local name=$1 folder key program package began=$SECONDS
	folder=$root/tools/$(folder_of "$name")
	key=$({ go env GOVERSION GOOS GOARCH; cat "$folder/go.mod" "$folder/go.sum"; } | git hash-object --stdin)
	program=${XDG_CACHE_HOME:-$HOME/.cache}/auth-v2-service/tools/$name-${key:0:12}
	if [ ! -x "$program" ]; then
		mkdir -p "${program%/*}"
		package=$(awk -v name="$name" '
			/^tool \(/ { block = 1; next }
			/^\)/ { block = 0 }
			block || $1 == "tool" { if ($NF ~ "/" name "$") { print $NF; exit } }' "$folder/go.mod")
		echo "Building $name, once for this version (minutes on a new machine)" >&2
		(while sleep 10; do echo "  still building $name: $((SECONDS - began)) s" >&2; done) &
		local ticker=$!
		trap 'kill "$ticker" 2>/dev/null' RETURN
		(cd "$folder" && CGO_ENABLED=0 GOWORK=off go build -o "$program.$$" "$package")
		mv "$program.$$" "$program"
		echo "  built $name after $((SECONDS - began)) s" >&2
	fi
	echo "$program"
}

if [ "${1:-}" = --build ]; then
	for name in gofumpt oapi-codegen gotestsum sqlc golangci-lint; do build "$name" >/dev/null; done
	exit
fi
program=$(build "${1:?the name of a tool}")
shift
exec "$program" "$@"
