-- What operators ask and do: the statements of internal/user for /v1/admin/users. Searches run in a transaction that PlanEachTime
-- began, so that each is planned for what it asks: a filter that was not given is none, and one that few rows pass is the way in.

-- name: PlanEachTime :exec
-- Called by internal/user and internal/audit before a search, in its transaction. Served by no index: it reads no table.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true);

-- name: SearchUsers :many
-- Called by internal/user for a page of everybody, by id. Served by users_pkey, or the index of a filter.
SELECT
    users.id, users.firebase_uid, users.auth_provider, users.username, users.email, users.user_type, users.is_active,
    users.token_balance, users.federation_status, users.tokens_valid_after, users.last_login, users.created_at,
    users.updated_at, users.email_proven_at, users.email_proven_by, users.last_firebase_sync,
    coalesce(
        left(users.provider_data ->> 'sync_failure', 100),
        (SELECT claims.failure FROM auth.move_claims AS claims WHERE claims.user_id = users.id), ''
    )::text AS failure
FROM auth.users AS users
WHERE
    (sqlc.narg(after)::uuid IS NULL OR users.id > sqlc.narg(after)::uuid)
    AND (
        sqlc.narg(provider)::text IS NULL OR users.auth_provider = sqlc.narg(provider)::text
        OR (users.auth_provider IS NULL AND sqlc.narg(provider)::text = 'local')
    )
    AND (
        sqlc.narg(status)::text IS NULL OR users.federation_status = sqlc.narg(status)::text
        OR (users.federation_status IS NULL AND sqlc.narg(status)::text = 'active')
    )
    AND (
        sqlc.narg(active)::boolean IS NULL OR users.is_active = sqlc.narg(active)::boolean
        OR (users.is_active IS NULL AND sqlc.narg(active)::boolean)
    )
ORDER BY users.id
LIMIT sqlc.arg(page_size)::int;

-- name: SearchUsersByEmail :many
-- Called by internal/user for a page of those whose canonical e-mail begins alike, in the order of bytes; before is the first that
-- no longer does. Served by idx_users_email_prefix.
SELECT
    users.id, users.firebase_uid, users.auth_provider, users.username, users.email, users.user_type, users.is_active,
    users.token_balance, users.federation_status, users.tokens_valid_after, users.last_login, users.created_at,
    users.updated_at, users.email_proven_at, users.email_proven_by, users.last_firebase_sync,
    coalesce(
        left(users.provider_data ->> 'sync_failure', 100),
        (SELECT claims.failure FROM auth.move_claims AS claims WHERE claims.user_id = users.id), ''
    )::text AS failure
FROM auth.users AS users
WHERE
    auth.canonical_email(users.email) COLLATE "C" >= sqlc.arg(prefix)::text
    AND auth.canonical_email(users.email) COLLATE "C" < sqlc.arg(before)::text
    AND auth.canonical_email(users.email) COLLATE "C" > sqlc.arg(after)::text
    AND (
        sqlc.narg(provider)::text IS NULL OR users.auth_provider = sqlc.narg(provider)::text
        OR (users.auth_provider IS NULL AND sqlc.narg(provider)::text = 'local')
    )
    AND (
        sqlc.narg(status)::text IS NULL OR users.federation_status = sqlc.narg(status)::text
        OR (users.federation_status IS NULL AND sqlc.narg(status)::text = 'active')
    )
    AND (
        sqlc.narg(active)::boolean IS NULL OR users.is_active = sqlc.narg(active)::boolean
        OR (users.is_active IS NULL AND sqlc.narg(active)::boolean)
    )
ORDER BY auth.canonical_email(users.email) COLLATE "C"
LIMIT sqlc.arg(page_size)::int;

-- name: SearchUsersByUsername :many
-- Called by internal/user for a page of those whose username begins alike, in the order of bytes; before is the first that no
-- longer does. Served by idx_users_username_prefix.
SELECT
    users.id, users.firebase_uid, users.auth_provider, users.username, users.email, users.user_type, users.is_active,
    users.token_balance, users.federation_status, users.tokens_valid_after, users.last_login, users.created_at,
    users.updated_at, users.email_proven_at, users.email_proven_by, users.last_firebase_sync,
    coalesce(
        left(users.provider_data ->> 'sync_failure', 100),
        (SELECT claims.failure FROM auth.move_claims AS claims WHERE claims.user_id = users.id), ''
    )::text AS failure
FROM auth.users AS users
WHERE
    users.username COLLATE "C" >= sqlc.arg(prefix)::text
    AND users.username COLLATE "C" < sqlc.arg(before)::text
    AND users.username COLLATE "C" > sqlc.arg(after)::text
    AND (
        sqlc.narg(provider)::text IS NULL OR users.auth_provider = sqlc.narg(provider)::text
        OR (users.auth_provider IS NULL AND sqlc.narg(provider)::text = 'local')
    )
    AND (
        sqlc.narg(status)::text IS NULL OR users.federation_status = sqlc.narg(status)::text
        OR (users.federation_status IS NULL AND sqlc.narg(status)::text = 'active')
    )
    AND (
        sqlc.narg(active)::boolean IS NULL OR users.is_active = sqlc.narg(active)::boolean
        OR (users.is_active IS NULL AND sqlc.narg(active)::boolean)
    )
ORDER BY users.username COLLATE "C"
LIMIT sqlc.arg(page_size)::int;

-- name: FindUsers :many
-- Called by internal/user for the row of an id and for the row of a Firebase uid: two at most. Served by users_pkey and
-- idx_users_firebase_uid.
SELECT
    users.id, users.firebase_uid, users.auth_provider, users.username, users.email, users.user_type, users.is_active,
    users.token_balance, users.federation_status, users.tokens_valid_after, users.last_login, users.created_at,
    users.updated_at, users.email_proven_at, users.email_proven_by, users.last_firebase_sync,
    coalesce(
        left(users.provider_data ->> 'sync_failure', 100),
        (SELECT claims.failure FROM auth.move_claims AS claims WHERE claims.user_id = users.id), ''
    )::text AS failure
FROM auth.users AS users
WHERE users.id = sqlc.arg(id)::uuid OR users.firebase_uid = sqlc.arg(firebase_uid)::varchar
ORDER BY users.id;

-- name: Deactivate :one
-- Called by internal/user for an operator; every session that began before the next whole second is over. No row back: it was
-- deactivated already. Served by users_pkey.
UPDATE auth.users
SET
    is_active = false,
    tokens_valid_after = greatest(
        tokens_valid_after,
        date_trunc('second', greatest(
            clock_timestamp() + CASE
                WHEN firebase_uid IS NULL THEN sqlc.arg(legacy_lead)::float8 ELSE sqlc.arg(firebase_lead)::float8
            END * interval '1 second',
            sqlc.arg(issued_until)::timestamptz
        )) + interval '1 second'
    ),
    updated_at = clock_timestamp()
WHERE id = sqlc.arg(id) AND coalesce(is_active, true)
RETURNING
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by;

-- name: Reactivate :one
-- Called by internal/user for an operator; no session of before comes back, nor one that Firebase began meanwhile, which may not have
-- heard of the deactivation. Firebase is still to enable the account, and the row says so: until then its disabled is ours from
-- before. No row back: it was active. Served by users_pkey.
UPDATE auth.users
SET
    is_active = true,
    federation_status = CASE WHEN federation_status = 'disabled' THEN 'active' ELSE federation_status END,
    provider_data = CASE
        WHEN firebase_uid IS NULL THEN provider_data
        WHEN jsonb_typeof(provider_data) = 'object' THEN provider_data || '{"enabling": true}'
        ELSE '{"enabling": true}'
    END,
    tokens_valid_after = greatest(
        tokens_valid_after,
        date_trunc('second', greatest(
            clock_timestamp() + CASE
                WHEN firebase_uid IS NULL THEN sqlc.arg(legacy_lead)::float8 ELSE sqlc.arg(firebase_lead)::float8
            END * interval '1 second',
            sqlc.arg(issued_until)::timestamptz
        )) + interval '1 second'
    ),
    updated_at = clock_timestamp()
WHERE id = sqlc.arg(id) AND (NOT coalesce(is_active, true) OR federation_status = 'disabled')
RETURNING
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by;

-- name: EndSessions :one
-- Called by internal/user for an operator. No row back: every session that there can be has been ended in this second already.
-- Served by users_pkey and idx_legacy_sessions_user_id.
UPDATE auth.users AS users
SET
    tokens_valid_after = greatest(
        users.tokens_valid_after,
        date_trunc('second', greatest(
            clock_timestamp() + CASE
                WHEN users.firebase_uid IS NULL THEN sqlc.arg(legacy_lead)::float8 ELSE sqlc.arg(firebase_lead)::float8
            END * interval '1 second',
            sqlc.arg(issued_until)::timestamptz
        )) + interval '1 second'
    ),
    updated_at = clock_timestamp()
WHERE
    users.id = sqlc.arg(id) AND (
        coalesce(users.tokens_valid_after < date_trunc('second', greatest(
            clock_timestamp() + CASE
                WHEN users.firebase_uid IS NULL THEN sqlc.arg(legacy_lead)::float8 ELSE sqlc.arg(firebase_lead)::float8
            END * interval '1 second',
            sqlc.arg(issued_until)::timestamptz
        )) + interval '1 second', true)
        OR EXISTS (
            SELECT FROM auth.legacy_sessions AS sessions
            WHERE
                sessions.user_id = users.id AND sessions.ended_at IS NULL
                AND sessions.began_at >= greatest(users.tokens_valid_after, users.legacy_tokens_valid_after)
        )
    )
RETURNING
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by;

-- name: ChangeUser :one
-- Called by internal/user for an operator; the unique indexes decide races. An address that an operator writes down is one that
-- nobody has proved, and the row says so. Served by users_pkey.
UPDATE auth.users
SET
    username = coalesce(sqlc.narg(username)::varchar, username),
    user_type = coalesce(sqlc.narg(user_type)::varchar, user_type),
    email = coalesce(sqlc.narg(email)::varchar, email),
    email_proven_at = CASE WHEN sqlc.narg(email)::varchar IS NULL THEN email_proven_at END,
    email_proven_by = CASE WHEN sqlc.narg(email)::varchar IS NULL THEN email_proven_by END,
    provider_data = CASE
        WHEN sqlc.narg(email)::varchar IS NULL THEN provider_data
        WHEN jsonb_typeof(provider_data) = 'object' THEN provider_data || '{"email_verified": false}'
        ELSE '{"email_verified": false}'
    END,
    updated_at = clock_timestamp()
WHERE id = sqlc.arg(id)
RETURNING
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by;

-- name: KeptOfUser :one
-- Called by internal/user for an export: what is kept beside what operators see, and of passwords only that there are any.
-- Served by users_pkey, set_aside_passwords_pkey, move_claims_pkey and firebase_passwords_pkey.
SELECT
    users.provider_data,
    (
        (users.password_hash IS NOT NULL AND users.password_hash <> '!')
        OR EXISTS (SELECT FROM auth.firebase_passwords AS kept WHERE kept.user_id = users.id)
    )::boolean AS keeps_local_password,
    aside.reason AS set_aside_reason, aside.set_aside_at, claims.claimed_at, claims.failed_at, claims.failure
FROM auth.users AS users
LEFT JOIN auth.set_aside_passwords AS aside ON aside.user_id = users.id
LEFT JOIN auth.move_claims AS claims ON claims.user_id = users.id
WHERE users.id = $1;
