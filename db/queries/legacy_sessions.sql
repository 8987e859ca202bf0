-- Sessions that hold the legacy pair: the statements of internal/session.

-- name: BeginLegacySession :one
-- Called by internal/session when somebody has proved who they are and gets the legacy pair; moves last_login at once, and clears
-- the person's sessions that nobody can come back with: they have run out, so have their access tokens (a day at most), and so
-- has the refresh token of the old auth-service (90 days at most) that would otherwise begin them anew, ended or not. A session of this
-- service's own that was ended is cleared when its access tokens have run out. An ended one that has gone on at Firebase stays (M9): there
-- sessions have no end of their own. Of more live sessions than most, those used longest ago end, and the audit says so.
-- It begins by the clock that legacy tokens are judged by, legacy_lead ahead of PostgreSQL's. A revocation whose moment is one or two
-- seconds ahead is waited out by the caller; one that is further ahead, because Firebase's clock is, dates the session.
-- No row back: the row lets this session not in (deactivated, disabled, revoked since it began: what User.Admit says). Served by users_pkey and idx_legacy_sessions_user_id.
WITH person AS (
    UPDATE auth.users
    SET last_login = now()
    WHERE
        users.id = sqlc.arg(user_id)
        AND coalesce(is_active, true)
        AND federation_status IS DISTINCT FROM 'disabled'
        AND coalesce(
            greatest(tokens_valid_after, legacy_tokens_valid_after)
            NOT BETWEEN date_trunc('second', clock_timestamp() + sqlc.arg(legacy_lead)::float8 * interval '1 second') + interval '1 second'
            AND date_trunc('second', clock_timestamp() + sqlc.arg(legacy_lead)::float8 * interval '1 second') + interval '2 seconds', true
        )
        AND coalesce(
            greatest(tokens_valid_after, legacy_tokens_valid_after)
            <= date_trunc('second', clock_timestamp() + sqlc.arg(legacy_lead)::float8 * interval '1 second') + interval '59 seconds', true
        )
    RETURNING
        id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
        tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by, legacy_tokens_valid_after
),
expired AS (
    DELETE FROM auth.legacy_sessions
    WHERE
        user_id IN (SELECT person.id FROM person)
        AND (
            (
                expires_at < now() + sqlc.arg(legacy_lead)::float8 * interval '1 second' - interval '25 hours'
                AND began_at < now() + sqlc.arg(legacy_lead)::float8 * interval '1 second' - interval '91 days'
                AND (
                    ended_at IS NULL OR carried_at IS NULL
                    OR NOT EXISTS (SELECT FROM person WHERE person.auth_provider <> 'local')
                )
            )
            OR (ended_at < now() - interval '25 hours' AND carried_at IS NULL AND substr(id::text, 15, 1) <> '8')
        )
),
begun AS (
    INSERT INTO auth.legacy_sessions (id, user_id, began_at, seed, rotated_at, expires_at, user_agent)
    SELECT
        sqlc.arg(id)::uuid, person.id,
        greatest(
            date_trunc('second', clock_timestamp() + sqlc.arg(legacy_lead)::float8 * interval '1 second'),
            person.tokens_valid_after, person.legacy_tokens_valid_after
        ),
        sqlc.arg(seed)::bytea, clock_timestamp() + sqlc.arg(legacy_lead)::float8 * interval '1 second',
        clock_timestamp() + (sqlc.arg(legacy_lead)::float8 + sqlc.arg(life_seconds)::float8) * interval '1 second',
        sqlc.narg(user_agent)::text
    FROM person
    RETURNING began_at, rotated_at, expires_at
),
displaced AS MATERIALIZED (
    SELECT auth.end_oldest_sessions(person.id, sqlc.arg(most)::int, sqlc.arg(id)::uuid)::uuid [] AS ids
    FROM person
    CROSS JOIN begun
),
noted AS (
    INSERT INTO auth.audit_events (action, actor, user_id, request_id, details)
    SELECT 'session.displaced', 'system', person.id, sqlc.narg(request_id)::text, jsonb_build_object('session', gone)
    FROM person
    CROSS JOIN begun
    CROSS JOIN displaced
    CROSS JOIN unnest(displaced.ids) AS gone
)
SELECT
    person.id, person.firebase_uid, person.auth_provider, person.username, person.email, person.user_type,
    person.is_active, person.token_balance, person.federation_status, person.tokens_valid_after, person.last_login,
    person.created_at, person.updated_at, person.email_proven_at, person.email_proven_by,
    begun.began_at, begun.rotated_at, begun.expires_at,
    displaced.ids AS displaced
FROM person
CROSS JOIN begun
CROSS JOIN displaced;

-- name: ContinueLegacySession :one
-- Called by internal/session when a session at Firebase goes on here, because its person has returned (M9): it is as old as it was
-- there. signed_in_at is its sign-in by Firebase's clock, began_at by the one of legacy sessions. Sessions beyond most end as in BeginLegacySession, by idx_legacy_sessions_user_id inside the function. No row back: the row lets
-- this session not in (what User.Admit says). Served by users_pkey.
WITH begun AS (
    INSERT INTO auth.legacy_sessions (id, user_id, began_at, seed, rotated_at, expires_at, user_agent)
    SELECT
        sqlc.arg(id)::uuid, users.id, sqlc.arg(began_at)::timestamptz, sqlc.arg(seed)::bytea,
        clock_timestamp() + sqlc.arg(legacy_lead)::float8 * interval '1 second',
        clock_timestamp() + (sqlc.arg(legacy_lead)::float8 + sqlc.arg(life_seconds)::float8) * interval '1 second',
        sqlc.narg(user_agent)::text
    FROM auth.users AS users
    WHERE
        users.id = sqlc.arg(user_id)
        AND coalesce(users.is_active, true)
        AND users.federation_status IS DISTINCT FROM 'disabled'
        AND coalesce(users.tokens_valid_after <= sqlc.arg(signed_in_at)::timestamptz, true)
        AND coalesce(users.legacy_tokens_valid_after <= sqlc.arg(began_at)::timestamptz, true)
    RETURNING user_id, rotated_at, expires_at
),
displaced AS MATERIALIZED (
    SELECT auth.end_oldest_sessions(begun.user_id, sqlc.arg(most)::int, sqlc.arg(id)::uuid)::uuid [] AS ids
    FROM begun
),
noted AS (
    INSERT INTO auth.audit_events (action, actor, user_id, request_id, details)
    SELECT 'session.displaced', 'system', begun.user_id, sqlc.narg(request_id)::text, jsonb_build_object('session', gone)
    FROM begun
    CROSS JOIN displaced
    CROSS JOIN unnest(displaced.ids) AS gone
)
SELECT begun.rotated_at, begun.expires_at, displaced.ids AS displaced
FROM begun
CROSS JOIN displaced;

-- name: AdoptLegacySession :one
-- Called by internal/session when a refresh token of the old auth-service comes for the first time: from here on it is a session
-- of ours. Sessions beyond most end as in BeginLegacySession, by idx_legacy_sessions_user_id inside the function. No row back: it is one
-- already, or there is no such user. Served by legacy_sessions_pkey (the conflict) and users_pkey.
WITH begun AS (
    INSERT INTO auth.legacy_sessions (id, user_id, began_at, seed, rotated_at, expires_at, user_agent)
    SELECT
        sqlc.arg(id)::uuid, users.id, sqlc.arg(began_at)::timestamptz, sqlc.arg(seed)::bytea, sqlc.arg(began_at)::timestamptz,
        sqlc.arg(expires_at)::timestamptz, sqlc.narg(user_agent)::text
    FROM auth.users AS users
    WHERE users.id = sqlc.arg(user_id)
    ON CONFLICT (id) DO NOTHING
    RETURNING user_id
),
displaced AS MATERIALIZED (
    SELECT auth.end_oldest_sessions(begun.user_id, sqlc.arg(most)::int, sqlc.arg(id)::uuid)::uuid [] AS ids
    FROM begun
),
noted AS (
    INSERT INTO auth.audit_events (action, actor, user_id, request_id, details)
    SELECT 'session.displaced', 'system', begun.user_id, sqlc.narg(request_id)::text, jsonb_build_object('session', gone)
    FROM begun
    CROSS JOIN displaced
    CROSS JOIN unnest(displaced.ids) AS gone
)
SELECT displaced.ids AS displaced
FROM begun
CROSS JOIN displaced;

-- name: CarryLegacySession :execrows
-- Called by internal/session before a session goes on at Firebase (M9): its end will be remembered for good. No row: it is over.
-- Served by legacy_sessions_pkey.
UPDATE auth.legacy_sessions
SET carried_at = coalesce(carried_at, clock_timestamp())
WHERE id = $1 AND ended_at IS NULL;

-- name: LegacySession :one
-- Called by internal/session when a refresh token comes: its session, and its person. in_grace: the token before the current one
-- still answers the current one. Its times are those of the clock that legacy tokens are judged by, legacy_lead ahead of
-- PostgreSQL's. Served by legacy_sessions_pkey and users_pkey.
SELECT
    sessions.user_id, sessions.began_at, sessions.seed, sessions.generation, sessions.rotated_at, sessions.expires_at,
    (sessions.ended_at IS NOT NULL)::boolean AS ended,
    (sessions.expires_at <= clock_timestamp() + sqlc.arg(legacy_lead)::float8 * interval '1 second')::boolean AS expired,
    (sessions.rotated_at > clock_timestamp() + sqlc.arg(legacy_lead)::float8 * interval '1 second' - interval '30 seconds')::boolean AS in_grace,
    users.id, users.firebase_uid, users.auth_provider, users.username, users.email, users.user_type, users.is_active,
    users.token_balance, users.federation_status, users.tokens_valid_after, users.last_login, users.created_at,
    users.updated_at, users.email_proven_at, users.email_proven_by, users.legacy_tokens_valid_after
FROM auth.legacy_sessions AS sessions
INNER JOIN auth.users AS users ON sessions.user_id = users.id
WHERE sessions.id = sqlc.arg(id);

-- name: RotateLegacySession :one
-- Called by internal/session: exchanges the refresh token of one generation for the next. No row back: somebody else was faster,
-- or the session is over. Served by legacy_sessions_pkey.
UPDATE auth.legacy_sessions
SET
    generation = generation + 1, rotated_at = clock_timestamp() + sqlc.arg(legacy_lead)::float8 * interval '1 second',
    expires_at = clock_timestamp() + (sqlc.arg(legacy_lead)::float8 + sqlc.arg(life_seconds)::float8) * interval '1 second'
WHERE
    id = sqlc.arg(id) AND generation = sqlc.arg(generation) AND ended_at IS NULL
    AND expires_at > clock_timestamp() + sqlc.arg(legacy_lead)::float8 * interval '1 second'
RETURNING generation, rotated_at, expires_at;

-- name: EndLegacySession :execrows
-- Called by internal/session when somebody ends one session of theirs, or when a refresh token is used that was exchanged long
-- ago. No row back: there is no such session of theirs, or it is over.
-- Served by legacy_sessions_pkey or idx_legacy_sessions_user_id.
UPDATE auth.legacy_sessions
SET ended_at = clock_timestamp()
WHERE
    id = sqlc.arg(id) AND user_id = sqlc.arg(user_id) AND ended_at IS NULL
    AND expires_at > clock_timestamp() + sqlc.arg(legacy_lead)::float8 * interval '1 second';

-- name: LegacySessions :many
-- Called by internal/session for /me/sessions: those that still count, the last used first.
-- Served by idx_legacy_sessions_user_id and users_pkey.
SELECT sessions.id, sessions.began_at, sessions.rotated_at, sessions.expires_at, sessions.user_agent
FROM auth.legacy_sessions AS sessions
INNER JOIN auth.users AS users ON sessions.user_id = users.id
WHERE
    sessions.user_id = sqlc.arg(user_id) AND sessions.ended_at IS NULL
    AND sessions.expires_at > clock_timestamp() + sqlc.arg(legacy_lead)::float8 * interval '1 second'
    AND coalesce(users.tokens_valid_after <= sessions.began_at, true)
    AND coalesce(users.legacy_tokens_valid_after <= sessions.began_at, true)
ORDER BY sessions.rotated_at DESC, sessions.id
LIMIT 100;

-- name: EveryLegacySession :many
-- Called by internal/session for an export: also those that are over. Served by idx_legacy_sessions_user_id.
SELECT id, began_at, rotated_at, expires_at, ended_at, user_agent
FROM auth.legacy_sessions
WHERE user_id = sqlc.arg(user_id)
ORDER BY began_at, id;
