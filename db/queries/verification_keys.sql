-- name: LoadVerificationKeys :one
-- Called at start by internal/app. Served by verification_keys_pkey.
SELECT keys, fetched_at, fresh_until
FROM auth.verification_keys
WHERE source = $1;

-- name: SaveVerificationKeys :exec
-- Called by internal/app after each good fetch; an older set never replaces a newer one of another instance.
-- Served by verification_keys_pkey (the conflict).
INSERT INTO auth.verification_keys (source, keys, fetched_at, fresh_until)
VALUES (sqlc.arg(source), sqlc.arg(keys), sqlc.arg(fetched_at), sqlc.arg(fresh_until))
ON CONFLICT (source) DO UPDATE
SET keys = excluded.keys, fetched_at = excluded.fetched_at, fresh_until = excluded.fresh_until
WHERE verification_keys.fetched_at < excluded.fetched_at;
