#!/usr/bin/env bash
# Brings PostgreSQL's programs (pg_dump, pg_restore, psql, and the server of the same version) to a Debian machine without being
# root and without installing anything: packages are unpacked into a cache folder. It prints two lines, the folder of the programs
# and that of the libraries they need. Elsewhere it says what to install.
set -euo pipefail

cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/auth-v2-service/debian-postgres
show() {
	local programs=("$cache"/unpacked/usr/lib/postgresql/*/bin)
	echo "${programs[0]}"
	find "$cache/unpacked" -name '*.so.*' -not -path '*/postgresql/*' -printf '%h\n' | sort -u | paste -sd:
}
# Says what a step has said only when it fails.
run() {
	"$@" >"$half/log" 2>&1 || { cat "$half/log" >&2 && exit 1; }
}
if [ -d "$cache/unpacked" ]; then
	show
	exit
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
	echo "pg_dump is not installed, and this is no Debian: install PostgreSQL's client programs" >&2
	echo "(Debian, Ubuntu: apt-get install postgresql-client; Alpine: apk add postgresql-client; macOS: brew install libpq)" >&2
	exit 1
fi
echo "Downloading PostgreSQL's programs from Debian's packages into $cache ..." >&2
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9 # of several at once one downloads
if [ ! -d "$cache/unpacked" ]; then
	half=$cache/half
	rm -rf "$half" && mkdir -p "$half/lists/partial" "$half/archives/partial" "$half/unpacked"
	apt=(apt-get -qq -o "Dir::State::Lists=$half/lists" -o "Dir::Cache=$half" -o "Dir::Cache::Archives=$half/archives"
		-o Debug::NoLocking=1 -o APT::Sandbox::User=)
	run "${apt[@]}" update
	client=$(apt-cache "${apt[@]:2}" depends postgresql-client | sed -n 's/.*Depends: \(postgresql-client-[0-9]*\)$/\1/p')
	# Of the libraries only what this machine lacks comes along: apt knows what is installed.
	run "${apt[@]}" --yes --no-install-recommends --download-only --reinstall install "$client" "${client/-client/}" libpq5
	for package in "$half"/archives/*.deb; do
		dpkg-deb --extract "$package" "$half/unpacked"
	done
	rm -rf "$half/lists" "$half/archives" "$half"/*.bin
	mv "$half/unpacked" "$cache/unpacked"
	rm -rf "$half"
fi
show
