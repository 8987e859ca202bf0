-- The rollout's record: the statements of internal/rollout. Sign-ins read it with the credentials, in accounts.sql.

-- name: Rollout :one
-- Called by internal/rollout for operators and at each registration. Served by no index: it is one row.
SELECT
    users_buckets, traffic_buckets, new_users, allow, deny, below_full_traffic, revision, updated_at, updated_by
FROM auth.rollout
WHERE only_row;

-- name: SetRollout :one
-- Called by internal/rollout in one transaction with its audit event. No row back: somebody else has changed it since it was read.
-- Served by no index: it is one row.
UPDATE auth.rollout
SET
    users_buckets = sqlc.arg(users_buckets),
    traffic_buckets = sqlc.arg(traffic_buckets),
    new_users = sqlc.arg(new_users),
    allow = sqlc.arg(allow)::uuid [],
    deny = sqlc.arg(deny)::uuid [],
    below_full_traffic = sqlc.arg(below_full_traffic),
    revision = revision + 1,
    updated_at = clock_timestamp(),
    updated_by = sqlc.arg(updated_by)
WHERE only_row AND revision = sqlc.arg(revision)
RETURNING
    users_buckets, traffic_buckets, new_users, allow, deny, below_full_traffic, revision, updated_at, updated_by;
