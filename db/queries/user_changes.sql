-- name: ListenForUserChanges :exec
-- Called by internal/principal on a connection of its own, which is told from then on whose row has changed. No table is read.
LISTEN auth_users_changed;

-- name: ServerProcess :one
-- Called by internal/principal after it has connected: behind a pooler the process that answers is not the one that the
-- connection was told of, and nobody would be told anything. No table is read.
SELECT pg_backend_pid()::integer AS pid;
