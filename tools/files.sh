#!/usr/bin/env bash
# Lists the checkout's files that match git pathspecs, a line each: those that git knows, and new ones that it does not ignore; none that
# are deleted. tools/files.sh '*.go' ':!gen'
set -euo pipefail
git ls-files --cached --others --exclude-standard --deduplicate -- "$@" | while IFS= read -r file; do
	if [ -e "$file" ]; then printf '%s\n' "$file"; fi
done
