-- Registration: the statements of internal/account. A sign-in's stand in users.sql.

-- name: ClaimRegistration :one
-- Called by internal/account: takes the e-mail for a new account before Firebase is asked; the row's id will be the Firebase
-- uid. No row back: the e-mail belongs to somebody. Served by idx_users_canonical_email (the conflict) and users_username_key.
INSERT INTO auth.users (
    id, firebase_uid, auth_provider, email, username, user_type, is_active, token_balance, federation_status, created_at,
    updated_at
)
VALUES (
    sqlc.arg(id)::uuid,
    sqlc.arg(id)::uuid::text,
    'firebase',
    sqlc.arg(email)::varchar,
    CASE
        WHEN EXISTS (SELECT FROM auth.users AS namesake WHERE namesake.username = sqlc.narg(username)::varchar)
            THEN sqlc.narg(other_username)::varchar
        ELSE sqlc.narg(username)::varchar
    END,
    'user', true, 0, 'syncing', now(), now()
)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: JoinRegistration :one
-- Called by internal/account: finds who holds an e-mail that could not be claimed. A registration that nobody has ever used may be
-- gone on with: it is marked (updated_at), so that whoever claimed it does not take it back from under us. What was seen once,
-- or has become something, belongs to somebody. Unfinished and not joined: it was given back in this instant.
-- Served by idx_users_canonical_email and users_pkey.
WITH holder AS (
    SELECT
        id,
        (
            auth_provider = 'firebase' AND federation_status = 'syncing' AND firebase_uid = id::text
            AND last_login IS NULL AND coalesce(token_balance, 0) = 0 AND coalesce(user_type, 'user') = 'user'
            AND coalesce(is_active, true)
        )::boolean AS unfinished
    FROM auth.users
    WHERE auth.canonical_email(email) = sqlc.arg(email)::text
),
joined AS (
    UPDATE auth.users
    SET updated_at = clock_timestamp()
    WHERE id = (SELECT holder.id FROM holder WHERE holder.unfinished)
    RETURNING id
)
SELECT id, unfinished, EXISTS (SELECT FROM joined) AS joined
FROM holder;

-- name: AbandonRegistration :exec
-- Called by internal/account: gives a claimed e-mail back when Firebase refused to make the account, unless somebody has used
-- the row, or gone on with the registration, since it was claimed. Served by users_pkey.
DELETE FROM auth.users
WHERE
    id = $1 AND federation_status = 'syncing' AND firebase_uid = id::text AND updated_at = created_at
    AND last_login IS NULL AND coalesce(token_balance, 0) = 0 AND coalesce(user_type, 'user') = 'user';
