-- Called by internal/account: registration and sign-in.

-- name: ClaimRegistration :one
-- Takes the e-mail for a new account before Firebase is asked; the row's id will be the Firebase uid. No row back: the e-mail
-- belongs to somebody. Served by idx_users_canonical_email (the conflict) and users_username_key.
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

-- name: RegistrationByEmail :one
-- Finds who holds an e-mail that could not be claimed, and whether that is a registration somebody may go on with: one that
-- nobody has ever used. What was seen once, or has become something, belongs to somebody.
-- Served by idx_users_canonical_email.
SELECT
    id,
    (
        auth_provider = 'firebase' AND federation_status = 'syncing' AND firebase_uid = id::text
        AND last_login IS NULL AND coalesce(token_balance, 0) = 0 AND coalesce(user_type, 'user') = 'user'
        AND coalesce(is_active, true)
    )::boolean AS unfinished
FROM auth.users
WHERE auth.canonical_email(email) = sqlc.arg(email)::text;

-- name: AbandonRegistration :execrows
-- Gives a claimed e-mail back when Firebase refused to make the account. Served by users_pkey.
DELETE FROM auth.users
WHERE
    id = $1 AND federation_status = 'syncing' AND firebase_uid = id::text
    AND last_login IS NULL AND coalesce(token_balance, 0) = 0 AND coalesce(user_type, 'user') = 'user';

-- name: SignInHome :one
-- Where the password of an e-mail lives, and how long a sign-in must wait so that its auth_time is not before the last
-- revocation: seconds, an hour at most (a revocation may last until infinity). Served by idx_users_canonical_email.
SELECT
    id,
    firebase_uid,
    auth_provider,
    CASE
        WHEN tokens_valid_after > clock_timestamp()
            THEN extract(EPOCH FROM least(tokens_valid_after, clock_timestamp() + interval '1 hour') - clock_timestamp())
        ELSE 0
    END::float8 AS wait_seconds
FROM auth.users
WHERE auth.canonical_email(email) = sqlc.arg(email)::text;

-- name: RecordSignIn :one
-- A sign-in through us: last_login at once, and a registration that stopped before its end is finished by it.
-- Served by idx_users_firebase_uid.
UPDATE auth.users
SET
    last_login = now(),
    last_firebase_sync = CASE WHEN federation_status = 'syncing' THEN now() ELSE last_firebase_sync END,
    federation_status = CASE WHEN federation_status = 'syncing' THEN 'active' ELSE federation_status END,
    updated_at = now()
WHERE firebase_uid = sqlc.arg(firebase_uid)::varchar
RETURNING
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at;
