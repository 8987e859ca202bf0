-- Who may operate the platform: the statements of internal/user for the command line.

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
    tokens_valid_after, last_login, created_at, updated_at;
