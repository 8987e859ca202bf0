#!/usr/bin/env bash
# Installs the npm packages of a folder as its lock file has them, unless they are there already. Packages' scripts do not run.
set -euo pipefail
cd "$1"
installed=node_modules/.package-lock.json # npm writes it last
if [ ! -e "$installed" ] || [ package-lock.json -nt "$installed" ]; then
	npm ci --ignore-scripts --loglevel=error >/dev/null
	touch "$installed"
fi
