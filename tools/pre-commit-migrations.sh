#!/usr/bin/env bash
# Refuses staged migrations that are misnamed, numbered twice, out of order or half a migration, and changes of what was
# committed before: it may have been applied somewhere. MIGRATION_EDIT=ok says that it was not.
set -euo pipefail

failed=0
refuse() {
	printf 'pre-commit: %s\n' "$1" >&2
	failed=1
}
number() { basename "$1" | grep -oE '^[0-9]+' || true; }
# up gives what a migration does on its way up, without comments.
up() { awk '/^-- migrate:up/ { on = 1; print; next } /^-- migrate:down/ { on = 0 } on && !/^[[:space:]]*(--|$)/'; }

committed=$(git ls-tree -r --name-only HEAD -- db/migrations 2>/dev/null || true) # none before the first commit
staged=$(git ls-files --cached -- db/migrations)
newest=$(for file in $committed; do number "$file"; done | sort -n | tail -1)
next="bin/authd schema new NAME makes one with the next number"

for twice in $(for file in $staged; do number "$file"; done | sort | uniq -d); do
	refuse "number $twice is given twice in db/migrations: give the later one the next number ($next)"
done
for file in $staged; do
	if ! grep -qE '^db/migrations/[0-9]{3}_[a-z0-9_]+\.sql$' <<<"$file"; then
		refuse "$file must be called like 017_add_locale.sql: $next"
		continue
	fi
	text=$(git show ":$file")
	for section in up down; do
		grep -q "^-- migrate:$section" <<<"$text" || refuse "$file has no line \"-- migrate:$section\": every migration goes both ways"
	done
	if grep -qxF "$file" <<<"$committed"; then
		if [ "${MIGRATION_EDIT:-}" != ok ] && [ "$(git show "HEAD:$file" | up)" != "$(up <<<"$text")" ]; then
			refuse "$file was committed before, and a database that has applied it will not apply the change: put it into a new one ($next), or, when no other database has it, run MIGRATION_EDIT=ok git commit"
		fi
	elif [ -n "$newest" ] && [ "$((10#$(number "$file")))" -lt "$((10#$newest))" ]; then
		refuse "$file comes before $newest, which was committed already: give it the next number ($next)"
	fi
done
for file in $committed; do
	if [ "${MIGRATION_EDIT:-}" != ok ] && ! grep -qxF "$file" <<<"$staged"; then
		refuse "$file was committed before and is gone: databases that have applied it would be ahead of every release; take it back by a new migration, or, when no other database has it, run MIGRATION_EDIT=ok git commit"
	fi
done
exit "$failed"
