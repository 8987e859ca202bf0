-- name: ListenForUserChanges :exec
-- Called by internal/principal on a connection of its own, which is told from then on whose row has changed. No table is read.
LISTEN auth_users_changed;
