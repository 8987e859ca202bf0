#!/usr/bin/env bash
# Holds what is staged to the rules that can be checked in seconds, each where its files are staged: migrations, generated
# code, format and lint. It looks at the index, never at the work tree. `make hooks` lets git run it before every commit.
set -euo pipefail
cd "$(git rev-parse --show-toplevel)"

began=$SECONDS
failed=0
is_staged() { [ -n "$(git diff --cached --name-only --no-renames -- "$@")" ]; }
refuse() {
	printf 'pre-commit: %s\n' "$1" >&2
	failed=1
}

tree=$(git rev-parse --absolute-git-dir)/pre-commit # always the same place: the compilers' caches know it
rm -rf "$tree"
mkdir "$tree"
trap 'rm -rf "$tree"' EXIT
git checkout-index --all --prefix="$tree/staged/"
git diff --cached --no-ext-diff --no-color --src-prefix=a/ --dst-prefix=b/ >"$tree/patch"
mapfile -t go_files < <(git diff --cached --name-only --no-renames --diff-filter=d -- '*.go' ':!gen')

if is_staged db/migrations; then
	tools/pre-commit-migrations.sh || failed=1
fi
generated=()
if [ "$failed" -eq 0 ]; then
	if is_staged api gen db/migrations db/queries sqlc.yaml oapi.yaml tools/oapi tools/sqlc; then generated+=(code); fi
	if is_staged db/migrations db/schema.sql 'db/catalogue*.jsonl'; then generated+=(schema); fi
fi

# From here on nothing is asked of git, and no tool shall take the copy for a repository.
# shellcheck disable=SC2046 # names of variables, one a word
unset $(git rev-parse --local-env-vars)
export GOFLAGS="${GOFLAGS:-} -buildvcs=false"
cd "$tree/staged"
tools=$PWD/tools

say() { echo "pre-commit: $1" >&2; }
if [ ${#generated[@]} -gt 0 ]; then
	say "regenerating"
	tools/pre-commit-generated.sh "${generated[@]}" || failed=1
fi
if [ ${#go_files[@]} -gt 0 ]; then
	"$tools/tool.sh" --build
	say "checking the format and the linters' rules of ${#go_files[@]} Go files"
	if ! unformatted=$("$tools/tool.sh" gofumpt -l "${go_files[@]}" 2>&1) || [ -n "$unformatted" ]; then
		refuse "not formatted, run make fmt and stage it:"$'\n'"$unformatted"
	fi
	found= complaints=0
	mapfile -t packages < <(printf './%s\n' "${go_files[@]%/*}" | grep -vE '^\./authclient(/|$)' | sort -u)
	if [ ${#packages[@]} -gt 0 ]; then
		found=$("$tools/tool.sh" golangci-lint run --allow-parallel-runners --show-stats=false --new-from-patch="$tree/patch" "${packages[@]}" 2>&1) || complaints=1
	fi
	if [[ " ${go_files[*]}" == *' authclient/'* ]]; then # a module of its own, and small
		found+=$(cd authclient && "$tools/tool.sh" golangci-lint run --allow-parallel-runners --show-stats=false ./... 2>&1) || complaints=1
	fi
	if [ "$complaints" -ne 0 ]; then
		refuse "the linters complain, make lint shows all:"$'\n'"$found"
	fi
fi

if [ "$failed" -ne 0 ]; then
	echo "pre-commit: nothing was committed (after $((SECONDS - began)) s); git commit --no-verify goes past this" >&2
fi
exit "$failed"
