#!/usr/bin/env bash
# Brings programs out of Debian's packages without being root and without installing anything: debian-unpack.sh NAME PACKAGE...
# unpacks them, with the libraries that this machine lacks, into a cache folder of that name, once. It prints two lines: the folder
# that holds them as "/" would, and the folders of their libraries.
set -euo pipefail

name=$1
shift
cache=${XDG_CACHE_HOME:-${HOME:?}/.cache}/auth-v2-service/debian-$name
show() {
	echo "$cache/unpacked"
	find "$cache/unpacked" -name '*.so.*' -printf '%h\n' | sort -u | paste -sd:
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
	echo "this is no Debian, whose packages could be unpacked: install $* in this system's way" >&2
	exit 1
fi
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9 # of several at once one downloads
if [ ! -d "$cache/unpacked" ]; then
	echo "Downloading Debian's packages of $* into $cache ..." >&2
	half=$cache/half
	rm -rf "$half" && mkdir -p "$half/lists/partial" "$half/archives/partial" "$half/unpacked"
	apt=(apt-get -qq -o "Dir::State::Lists=$half/lists" -o "Dir::Cache=$half" -o "Dir::Cache::Archives=$half/archives"
		-o Debug::NoLocking=1 -o APT::Sandbox::User=)
	run "${apt[@]}" update
	# Of the libraries only what this machine lacks comes along: apt knows what is installed.
	run "${apt[@]}" --yes --no-install-recommends --download-only --reinstall install "$@"
	for package in "$half"/archives/*.deb; do
		dpkg-deb --extract "$package" "$half/unpacked"
	done
	mv "$half/unpacked" "$cache/unpacked"
	rm -rf "$half"
fi
show
