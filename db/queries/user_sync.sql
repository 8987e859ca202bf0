-- Bringing rows in step with their accounts at Firebase (S1, A7): the statements of internal/user. Where a version is read, it is
-- what updated_at says to the microsecond: whoever finds another one later knows that the row was changed meanwhile.

-- name: RowBeforeSync :one
-- Called by internal/user before Firebase is asked about the account of a row. Served by idx_users_firebase_uid.
SELECT id, coalesce(updated_at::text, '')::text AS version
FROM auth.users
WHERE firebase_uid = sqlc.arg(firebase_uid)::varchar;

-- name: RowToSync :one
-- Called by internal/user with Firebase's answer in hand, in the transaction that writes it down: the row is locked meanwhile. Of
-- provider_data only the facts of a sync are read: the platform may keep more there, of any size. The wait for the row's lock ends with
-- the patience.
-- Served by idx_users_firebase_uid.
SELECT
    id, firebase_uid, auth_provider, email, is_active, federation_status,
    jsonb_strip_nulls(jsonb_build_object(
        'email_verified', CASE WHEN jsonb_typeof(provider_data -> 'email_verified') = 'boolean' THEN provider_data -> 'email_verified' END,
        'enabling', CASE WHEN jsonb_typeof(provider_data -> 'enabling') = 'boolean' THEN provider_data -> 'enabling' END,
        'display_name', left(provider_data ->> 'display_name', 4000), 'phone', left(provider_data ->> 'phone', 4000),
        'photo_url', left(provider_data ->> 'photo_url', 4000), 'sync_failure', left(provider_data ->> 'sync_failure', 100)
    )) AS facts, password_set_at,
    email_proven_at, coalesce(updated_at::text, '')::text AS version,
    (password_hash IS NOT NULL AND password_hash <> '!')::boolean AS has_password
FROM auth.users AS users
CROSS JOIN (SELECT set_config('lock_timeout', sqlc.arg(patience)::text, true) AS lock_timeout) AS patience
WHERE firebase_uid = sqlc.arg(firebase_uid)::varchar
FOR NO KEY UPDATE OF users;

-- name: RowsOfAccounts :many
-- Called by internal/user for a page of accounts, to find those that differ from their rows. Served by idx_users_firebase_uid.
SELECT
    id, firebase_uid, auth_provider, email, is_active, federation_status,
    jsonb_strip_nulls(jsonb_build_object(
        'email_verified', CASE WHEN jsonb_typeof(provider_data -> 'email_verified') = 'boolean' THEN provider_data -> 'email_verified' END,
        'enabling', CASE WHEN jsonb_typeof(provider_data -> 'enabling') = 'boolean' THEN provider_data -> 'enabling' END,
        'display_name', left(provider_data ->> 'display_name', 4000), 'phone', left(provider_data ->> 'phone', 4000),
        'photo_url', left(provider_data ->> 'photo_url', 4000), 'sync_failure', left(provider_data ->> 'sync_failure', 100)
    )) AS facts, password_set_at,
    email_proven_at, coalesce(updated_at::text, '')::text AS version,
    (password_hash IS NOT NULL AND password_hash <> '!')::boolean AS has_password
FROM auth.users
WHERE firebase_uid = ANY(sqlc.arg(firebase_uids)::varchar []);

-- name: WriteSync :one
-- Called by internal/user with what differs between a row and its account. facts are all those of RowToSync; what else provider_data
-- holds stays as it is. A local hash that is older than Firebase's password
-- becomes one that no password fits. Sessions that began before sessions_end_at are over, and none that begins after the next
-- whole second of Firebase's clock, which is firebase_lead ahead of PostgreSQL's; EndLegacySessions follows in the same transaction. Another address is one that nobody has proven yet. Served by users_pkey.
UPDATE auth.users
SET
    email = sqlc.arg(email)::varchar,
    federation_status = sqlc.arg(federation_status)::varchar,
    provider_data = CASE
        WHEN jsonb_typeof(provider_data) = 'object'
            THEN
                provider_data - ARRAY['email_verified', 'enabling', 'display_name', 'phone', 'photo_url', 'sync_failure']
                || sqlc.arg(facts)::jsonb
        ELSE sqlc.arg(facts)::jsonb
    END,
    password_hash = CASE WHEN sqlc.arg(password_stale)::boolean THEN '!' ELSE password_hash END,
    tokens_valid_after = CASE
        WHEN sqlc.narg(sessions_end_at)::timestamptz IS NULL THEN tokens_valid_after
        ELSE greatest(
            tokens_valid_after,
            date_trunc('second', least(
                sqlc.narg(sessions_end_at)::timestamptz,
                clock_timestamp() + sqlc.arg(firebase_lead)::float8 * interval '1 second'
            )) + interval '1 second'
        )
    END,
    email_proven_at = CASE
        WHEN auth.canonical_email(email) = auth.canonical_email(sqlc.arg(email)::varchar) THEN email_proven_at
    END,
    email_proven_by = CASE
        WHEN auth.canonical_email(email) = auth.canonical_email(sqlc.arg(email)::varchar) THEN email_proven_by
    END,
    last_firebase_sync = CASE WHEN sqlc.arg(in_step)::boolean THEN now() ELSE last_firebase_sync END,
    updated_at = clock_timestamp()
WHERE id = sqlc.arg(id)
RETURNING
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by;

-- name: FoundInStep :one
-- Called by internal/user when a row and its account agree; in_step false leaves the time of the last agreement. Served by users_pkey.
UPDATE auth.users
SET last_firebase_sync = CASE WHEN sqlc.arg(in_step)::boolean THEN now() ELSE last_firebase_sync END
WHERE id = sqlc.arg(id)
RETURNING
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by;
