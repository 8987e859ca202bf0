#!/usr/bin/env bash
# Runs a command that writes Go's test events into a file, and says each 30 s how far it is: how many tests have ended, how many there
# were last time and how long they took, and which run now. The user's cache keeps the figures of the last run that passed.
# tools/test-progress.sh NAME EVENTS COMMAND ARGUMENT...
set -euo pipefail
name=$1 events=$2
shift 2
last=${XDG_CACHE_HOME:-${HOME:?}/.cache}/auth-v2-service/test-runs/$name
: >"$events"

# tally counts the tests of the top level.
tally() {
	awk -v last="$(cat "$last" 2>/dev/null || true)" -v name="$name" -v seconds="$SECONDS" '
		match($0, /"Action":"[a-z]+"/) {
			action = substr($0, RSTART + 10, RLENGTH - 11)
			if (!match($0, /"Test":"[^"\/]*"/)) next
			test = substr($0, RSTART + 8, RLENGTH - 9)
			if (action == "run" || action == "cont") running[test]
			if (action == "pause") delete running[test]
			if (action == "pass" || action == "fail" || action == "skip") { delete running[test]; ended++ }
		}
		END {
			split(last, before, " ")
			line = sprintf("   %s: %d", name, ended)
			if (before[1]) line = line " of about " before[1]
			line = line sprintf(" tests after %d s", seconds)
			if (before[2]) line = line " (last time " before[2] " s)"
			for (test in running) if (shown++ < 3) line = line (shown == 1 ? "; now " : ", ") test
			print line
		}' "$events" >&2
}

exec {never}<> <(:) # nothing comes: read waits its time without a process that would outlive this one
while ! read -rt 30 -u "$never"; do tally; done &
ticker=$!
trap 'kill "$ticker" 2>/dev/null || true' EXIT
"$@"
mkdir -p "${last%/*}"
echo "$(grep -cE '"Action":"(pass|fail|skip)".*"Test":"[^"/]*"' "$events" || true) $SECONDS" >"$last"
