#!/usr/bin/env bash
# Shows that drift does not compile: in a temporary copy, each change below is made to a source of truth, the code is
# generated anew and built. The generator or the compiler must refuse, and its words are printed; a change that still builds
# fails this script.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/clean"
tools/files.sh | xargs -d '\n' cp --parents -t "$copy/clean"
failed=0

contract() { tools/tool.sh oapi-codegen -config oapi.yaml api/openapi.yaml; }
queries() { go run ./tools/usercolumns sql && tools/tool.sh sqlc generate && go run ./tools/usercolumns go; }
build() { CGO_ENABLED=0 go build -o /dev/null ./cmd/authd; }

cd "$copy/clean"
build || { echo "FAIL  the unchanged copy does not build: nothing would be proved" >&2; exit 1; }
cd "$root"

# prove WHAT FILE OLD NEW GENERATOR: replaces the first match of the regular expression OLD in FILE.
prove() {
	local what=$1 file=$2 old=$3 new=$4 generator=$5 words
	rm -rf "$copy/work"
	cp -r "$copy/clean" "$copy/work"
	cd "$copy/work"
	if ! perl -0pi -e "\$n += s/$old/$new/s; END { exit !\$n }" "$file"; then
		echo "FAIL  $what: $file does not hold what this script changes" >&2
		failed=1
	elif words=$("$generator" 2>&1 && build 2>&1); then
		echo "FAIL  $what: still builds" >&2
		failed=1
	elif ! grep -m1 -E '^(internal|cmd|db)/.*\.(go|sql):[0-9]+' <<<"$words" >"$copy/refusal"; then
		printf 'FAIL  %s: something else went wrong\n%s\n' "$what" "$words" >&2
		failed=1
	else
		echo "ok    $what"
		sed 's/^/      /' "$copy/refusal"
	fi
	cd "$root"
}

prove "a response field renamed in the contract" api/openapi.yaml \
	'token_balance: \{ type: integer' 'balance: { type: integer' contract
prove "an operation added to the contract" api/openapi.yaml \
	'  \/health\/live:\n' \
	'  \/health\/new:\n    get:\n      operationId: getNews\n      security: []\n      responses:\n        "200": { \$ref: "#\/components\/responses\/Done" }\n\n  \/health\/live:\n' contract
prove "a column renamed in a migration" db/migrations/005_token_revocation.sql \
	'ADD COLUMN tokens_valid_after' 'ADD COLUMN valid_after' queries
prove "a column dropped from a query" db/queries/users.sql \
	'(-- name: UserByID :one.*?)user_type, is_active' '$1is_active' queries
exit "$failed"
