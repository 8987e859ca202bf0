-- Who may operate the platform: the statements of internal/operator, and those of internal/user for the command line.

-- name: HoldAPIKey :one
-- Called by internal/operator before a service's act: its key, held against revocation until the act is committed. No row: the key is
-- revoked, or there is none. Served by api_keys_pkey.
SELECT id
FROM auth.api_keys
WHERE id = $1 AND revoked_at IS NULL
FOR SHARE;

-- name: HoldForOperator :many
-- Called by internal/operator before an operator changes rows: those rows and the operator's own, held in one order until the change is
-- committed. operates: whether the row is an admin's who may act now. Served by users_pkey.
SELECT
    id,
    (user_type = 'admin' AND coalesce(is_active, true) AND federation_status IS DISTINCT FROM 'disabled')::boolean AS operates
FROM auth.users
WHERE id = ANY(sqlc.arg(ids)::uuid [])
ORDER BY id
FOR NO KEY UPDATE;

-- name: HoldUserType :one
-- Called by internal/user before user_type is changed: what it is, held until the change is committed, and whether the holder of the
-- row has proven its address as far as anybody has noted. Served by users_pkey.
SELECT user_type, coalesce(provider_data @> '{"email_verified": true}', false)::boolean AS email_proven
FROM auth.users
WHERE id = $1
FOR NO KEY UPDATE;

-- name: GiveUserType :one
-- Called by internal/user in one transaction with its audit event. Served by users_pkey.
UPDATE auth.users
SET user_type = sqlc.arg(user_type)::varchar, updated_at = clock_timestamp()
WHERE id = sqlc.arg(id)
RETURNING
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by;
