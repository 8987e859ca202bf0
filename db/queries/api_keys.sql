-- The keys of services and scripts: the statements of internal/apikey. None returns a hash but the first.

-- name: UseAPIKeyCredentials :one
-- Called by internal/apikey for each request that sends a key. Answers what stands under the public id, whatever the secret is
-- worth: the caller compares the hashes. That a key was used is noted in the same statement, once an hour, and only of one that
-- counts. Served by api_keys_pkey.
WITH used AS (
    UPDATE auth.api_keys AS mine
    SET last_used_at = now()
    WHERE
        mine.id = sqlc.arg(id)
        AND mine.hash = sqlc.arg(hash)
        AND mine.revoked_at IS NULL
        AND (mine.last_used_at IS NULL OR mine.last_used_at < now() - interval '1 hour')
)
SELECT k.id, k.name, k.scope, k.hash, (k.revoked_at IS NOT NULL)::boolean AS revoked
FROM auth.api_keys AS k
WHERE k.id = sqlc.arg(id);

-- name: CreateAPIKey :one
-- Called by internal/apikey in one transaction with its audit event, as the owner: who serves may not. No row back: somebody has this
-- id. Served by api_keys_pkey (the conflict).
INSERT INTO auth.api_keys (id, name, scope, hash, created_by)
VALUES (sqlc.arg(id), sqlc.arg(name), sqlc.arg(scope), sqlc.arg(hash), sqlc.arg(created_by))
ON CONFLICT DO NOTHING
RETURNING id, name, scope, created_at, created_by, last_used_at, revoked_at, revoked_by;

-- name: RevokeAPIKey :one
-- Called by internal/apikey in one transaction with its audit event, as the owner. No row back: it was revoked before, or there is none.
-- Served by api_keys_pkey.
UPDATE auth.api_keys
SET revoked_at = clock_timestamp(), revoked_by = sqlc.arg(revoked_by)::text
WHERE id = sqlc.arg(id) AND revoked_at IS NULL
RETURNING id, name, scope, created_at, created_by, last_used_at, revoked_at, revoked_by;

-- name: APIKey :one
-- Called by internal/apikey for who revokes a key twice. Served by api_keys_pkey.
SELECT id, name, scope, created_at, created_by, last_used_at, revoked_at, revoked_by
FROM auth.api_keys
WHERE id = sqlc.arg(id);

-- name: APIKeys :many
-- Called by internal/apikey for operators, who want them all. Served by no index: a platform has a few dozen.
SELECT id, name, scope, created_at, created_by, last_used_at, revoked_at, revoked_by
FROM auth.api_keys
ORDER BY created_at, id;
