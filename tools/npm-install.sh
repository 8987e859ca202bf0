#!/usr/bin/env bash
# Installs the npm packages of a folder as its lock file has them, unless they are there already.
set -euo pipefail
cd "$1"
stamp=node_modules/.installed
if [ ! -e "$stamp" ] || [ package-lock.json -nt "$stamp" ]; then
	npm ci --silent
	touch "$stamp"
fi
