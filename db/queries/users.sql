-- Every query that returns a person lists the same columns in the same order, so that internal/user reads them all alike.
-- updated_at moves with every change of a row but one: that somebody was seen again (last_login alone).
-- Readings that decide whether a session is let in set transaction_read_only to what it is on a primary. A standby refuses that (25001):
-- its rows may be old, and a session that was revoked on the primary would go on.

-- name: FirstSight :one
-- Called by internal/user for each verified token that no cache knows, and for an account that an operator brings in, whose person
-- was not seen by that. Answers the row of the uid; where there is none and no
-- tombstone stands against the session, makes it in the same statement. No row back: somebody else was faster, the e-mail
-- belongs to another row, the username was taken in this instant, or the account was deleted; the caller looks which.
-- Where an account of this uid was deleted before, its sessions stay revoked beside the new row: the row remembers when.
-- Served by idx_users_firebase_uid, users_username_key, idx_tombstones_firebase_uid.
WITH seen AS (
    SELECT
        id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
        tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by
    FROM auth.users
    WHERE firebase_uid = sqlc.arg(firebase_uid)::varchar
),
born AS (
    INSERT INTO auth.users (
        id, firebase_uid, auth_provider, email, username, user_type, is_active, token_balance, provider_data,
        last_firebase_sync, federation_status, tokens_valid_after, last_login, created_at, updated_at, email_proven_at,
        email_proven_by
    )
    SELECT
        sqlc.arg(id)::uuid,
        sqlc.arg(firebase_uid)::varchar,
        'firebase',
        sqlc.arg(email)::varchar,
        CASE
            WHEN EXISTS (SELECT FROM auth.users AS namesake WHERE namesake.username = sqlc.narg(username)::varchar)
                THEN sqlc.narg(other_username)::varchar
            ELSE sqlc.narg(username)::varchar
        END,
        'user', true, 0, sqlc.arg(provider_data)::jsonb, now(), 'active',
        (
            SELECT max(tombstones.deleted_at) FROM auth.tombstones
            WHERE tombstones.firebase_uid = sqlc.arg(firebase_uid)::varchar
        ),
        CASE WHEN sqlc.arg(seen)::boolean THEN now() END, now(), now(),
        CASE WHEN sqlc.narg(proven_by)::text IS NOT NULL THEN sqlc.arg(auth_time)::timestamptz END,
        sqlc.narg(proven_by)::text
    WHERE
        NOT EXISTS (SELECT FROM seen)
        AND NOT EXISTS (
            SELECT FROM auth.tombstones
            WHERE
                tombstones.firebase_uid = sqlc.arg(firebase_uid)::varchar
                AND tombstones.deleted_at > sqlc.arg(auth_time)::timestamptz
        )
    ON CONFLICT DO NOTHING
    RETURNING
        id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
        tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by
)
SELECT
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by
FROM seen
UNION ALL
SELECT
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by
FROM born;

-- name: FirstSights :many
-- Called by internal/user for those uids of verified tokens that were found to have no row, or are taken to have none, many at once:
-- FirstSight's rules of a new row, member by member. Answers the rows that were made; whoever has none is to see FirstSight. The order
-- is one for all workers and instances, so that two of them who make the same rows meet in it and neither waits for the other in a circle.
-- Somebody's open transaction may hold what a member wants: nobody waits longer for it than the patience, which is over with the
-- statement.
-- Served by users_username_key, idx_tombstones_firebase_uid.
WITH patience AS MATERIALIZED (
    SELECT set_config('lock_timeout', sqlc.arg(patience)::text, true) AS lock_timeout
),
members AS (
    SELECT
        unnest(sqlc.arg(ids)::uuid []) AS id,
        unnest(sqlc.arg(firebase_uids)::varchar []) AS firebase_uid,
        unnest(sqlc.arg(emails)::varchar []) AS email,
        nullif(unnest(sqlc.arg(usernames)::varchar []), '') AS username,
        nullif(unnest(sqlc.arg(other_usernames)::varchar []), '') AS other_username,
        unnest(sqlc.arg(provider_data)::jsonb []) AS provider_data,
        unnest(sqlc.arg(auth_times)::timestamptz []) AS auth_time,
        nullif(unnest(sqlc.arg(proven_by)::text []), '') AS proven_by
)
INSERT INTO auth.users (
    id, firebase_uid, auth_provider, email, username, user_type, is_active, token_balance, provider_data,
    last_firebase_sync, federation_status, tokens_valid_after, last_login, created_at, updated_at, email_proven_at,
    email_proven_by
)
SELECT
    members.id,
    members.firebase_uid,
    'firebase',
    members.email,
    CASE
        WHEN EXISTS (SELECT FROM auth.users AS namesake WHERE namesake.username = members.username)
            THEN members.other_username
        ELSE members.username
    END,
    'user', true, 0, members.provider_data, now(), 'active',
    deleted.last_at,
    now(), now(), now(),
    CASE WHEN members.proven_by IS NOT NULL THEN members.auth_time END,
    members.proven_by
FROM patience
CROSS JOIN members
CROSS JOIN LATERAL (
    SELECT max(tombstones.deleted_at) AS last_at FROM auth.tombstones
    WHERE tombstones.firebase_uid = members.firebase_uid
) AS deleted
WHERE deleted.last_at IS NULL OR deleted.last_at <= members.auth_time
ORDER BY members.username COLLATE "C", members.email COLLATE "C", members.firebase_uid COLLATE "C"
ON CONFLICT DO NOTHING
RETURNING
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by;

-- name: UsersByFirebaseUIDs :many
-- Called by internal/user for verified tokens that no cache knows, where several wait at once. Reads and makes nothing: who is known
-- waits for nobody who is not. Served by idx_users_firebase_uid.
SELECT
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by
FROM auth.users
WHERE firebase_uid = ANY(sqlc.arg(firebase_uids)::varchar []) AND set_config('transaction_read_only', 'off', true) = 'off';

-- name: UserByFirebaseUID :one
-- Called by internal/user where a row must exist already, and by internal/move to see whose an account is.
-- Served by idx_users_firebase_uid.
SELECT
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by
FROM auth.users
WHERE firebase_uid = sqlc.arg(firebase_uid)::varchar AND set_config('transaction_read_only', 'off', true) = 'off';

-- name: UserByID :one
-- Called by internal/user where a change is under way, and to look somebody up. Served by users_pkey.
SELECT
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by
FROM auth.users
WHERE id = $1;

-- name: UsersByIDs :many
-- Called by internal/user, for one or several that wait at once: tokens whose users' facts have grown old. Served by users_pkey.
SELECT
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by
FROM auth.users
WHERE id = ANY(sqlc.arg(ids)::uuid []) AND set_config('transaction_read_only', 'off', true) = 'off';

-- name: UserByEmail :one
-- Called by internal/user with a canonical e-mail. Served by idx_users_canonical_email.
SELECT
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by
FROM auth.users
WHERE auth.canonical_email(email) = sqlc.arg(email)::text;

-- name: LinkIdentity :one
-- Called by internal/user when a verified e-mail, or somebody who knows the password, meets a row that no Firebase account owns
-- yet. The conditions stand in the statement, so that two links at once cannot both win. An admin's row takes the password. Without
-- keep_password, EndLegacySessions follows in the transaction. With proved_hash, only while the password is the one that was proved: LockUser
-- precedes it, and firebase_hash is SetLocalPassword's. What else the platform keeps in provider_data stays. Sessions of a deleted account of this
-- uid stay revoked. proven_at is NULL where this link proves no address.
-- Served by users_pkey or idx_users_canonical_email, idx_tombstones_firebase_uid and firebase_passwords_pkey.
UPDATE auth.users
SET
    firebase_uid = sqlc.arg(firebase_uid)::varchar,
    auth_provider = 'hybrid',
    federation_status = CASE WHEN federation_status = 'disabled' THEN 'disabled' ELSE 'active' END,
    password_hash = CASE WHEN sqlc.arg(keep_password)::boolean THEN password_hash END,
    tokens_valid_after = greatest(
        tokens_valid_after,
        (
            SELECT max(tombstones.deleted_at) FROM auth.tombstones
            WHERE tombstones.firebase_uid = sqlc.arg(firebase_uid)::varchar
        )
    ),
    provider_data = CASE
        WHEN jsonb_typeof(provider_data) = 'object'
            THEN provider_data - ARRAY['display_name', 'phone', 'photo_url', 'sync_failure', 'enabling'] || sqlc.arg(provider_data)::jsonb
        ELSE sqlc.arg(provider_data)::jsonb
    END,
    email_proven_at = sqlc.narg(proven_at)::timestamptz,
    email_proven_by = sqlc.narg(proven_by)::text,
    last_firebase_sync = now(),
    last_login = CASE WHEN sqlc.arg(seen)::boolean THEN now() ELSE last_login END,
    updated_at = now()
WHERE
    id = sqlc.arg(id) AND firebase_uid IS NULL
    AND (
        sqlc.narg(proved_hash)::text IS NULL
        OR (
            password_hash = sqlc.narg(proved_hash)::text
            AND (
                SELECT kept.hash FROM auth.firebase_passwords AS kept
                WHERE kept.user_id = sqlc.arg(id) AND kept.local_hash = sqlc.narg(proved_hash)::text
            ) IS NOT DISTINCT FROM sqlc.narg(firebase_hash)::bytea
        )
    )
    AND (sqlc.arg(admin_too)::boolean OR user_type IS DISTINCT FROM 'admin')
    AND auth.canonical_email(email) = sqlc.arg(email)::text
RETURNING
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by;

-- name: SetAsidePassword :exec
-- Called by internal/user just before LinkIdentity takes the password out of use, in the same transaction.
-- Served by users_pkey and set_aside_passwords_pkey (the conflict).
INSERT INTO auth.set_aside_passwords (user_id, password_hash, reason)
SELECT id, password_hash, sqlc.arg(reason)::text
FROM auth.users
WHERE id = sqlc.arg(id) AND password_hash IS NOT NULL
ON CONFLICT (user_id) DO UPDATE
SET password_hash = excluded.password_hash, reason = excluded.reason, set_aside_at = excluded.set_aside_at;

-- name: RelinkIdentity :one
-- Called by internal/user when the account that a row was linked to is gone at Firebase. Only a row that could hurt nobody:
-- no balance, no special type; and only for whom the address is proven, or where nobody was ever behind the row (a
-- registration that stopped before Firebase had made the account). The legacy sessions of the account that is gone end with it, by
-- EndLegacySessions in the same transaction; so does a local password, unless keep_password. Served by users_pkey or idx_users_firebase_uid.
UPDATE auth.users
SET
    firebase_uid = sqlc.arg(firebase_uid)::varchar,
    federation_status = CASE WHEN federation_status = 'disabled' THEN 'disabled' ELSE 'active' END,
    tokens_valid_after = greatest(
        tokens_valid_after,
        (
            SELECT max(tombstones.deleted_at) FROM auth.tombstones
            WHERE tombstones.firebase_uid = sqlc.arg(firebase_uid)::varchar
        )
    ),
    password_hash = CASE
        WHEN sqlc.arg(keep_password)::boolean THEN password_hash
        WHEN auth_provider IN ('firebase', 'hybrid') THEN NULL
        ELSE '!'
    END,
    provider_data = CASE
        WHEN jsonb_typeof(provider_data) = 'object'
            THEN provider_data - ARRAY['display_name', 'phone', 'photo_url', 'sync_failure', 'enabling'] || sqlc.arg(provider_data)::jsonb
        ELSE sqlc.arg(provider_data)::jsonb
    END,
    email_proven_at = sqlc.narg(proven_at)::timestamptz,
    email_proven_by = sqlc.narg(proven_by)::text,
    last_firebase_sync = now(),
    last_login = CASE WHEN sqlc.arg(seen)::boolean THEN now() ELSE last_login END,
    updated_at = now()
WHERE
    id = sqlc.arg(id)
    AND firebase_uid = sqlc.arg(gone_firebase_uid)::varchar
    AND coalesce(token_balance, 0) = 0
    AND coalesce(user_type, 'user') = 'user'
    AND (sqlc.arg(address_proven)::boolean OR (federation_status = 'syncing' AND last_login IS NULL))
RETURNING
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by;

-- name: StoreChangedEmail :execrows
-- Called by internal/user when Firebase says that the account of a row has another address by now: one that nobody has proven here.
-- No row: somebody has written it down already, or the row is another account's by now. Served by users_pkey or
-- idx_users_firebase_uid.
UPDATE auth.users
SET
    email = sqlc.arg(email)::varchar, email_proven_at = NULL, email_proven_by = NULL, last_firebase_sync = now(),
    updated_at = now()
WHERE id = sqlc.arg(id) AND firebase_uid = sqlc.arg(firebase_uid)::varchar AND email <> sqlc.arg(email)::varchar;

-- name: RecordSignIn :one
-- Called by internal/user when somebody has just proved who they are: last_login at once, and a registration that stopped
-- before its end is finished by it. No row back: there is none yet, or it lets this session not in (deactivated, disabled,
-- revoked since it began: what User.Admit says), and nothing is moved. Served by idx_users_firebase_uid.
UPDATE auth.users
SET
    last_login = now(),
    last_firebase_sync = CASE WHEN federation_status = 'syncing' THEN now() ELSE last_firebase_sync END,
    federation_status = CASE WHEN federation_status = 'syncing' THEN 'active' ELSE federation_status END,
    updated_at = CASE WHEN federation_status = 'syncing' THEN now() ELSE updated_at END
WHERE
    firebase_uid = sqlc.arg(firebase_uid)::varchar
    AND coalesce(is_active, true)
    AND federation_status IS DISTINCT FROM 'disabled'
    AND coalesce(tokens_valid_after <= sqlc.arg(auth_time)::timestamptz, true)
RETURNING
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by;

-- name: ProveEmail :one
-- Called by internal/user for the first trusted proof of the address of a row, in one transaction with its audit event. Where
-- ends_sessions, the sessions from before the proof are over: those of the legacy kind that have begun by now (EndLegacySessions, in the
-- same transaction), and those at Firebase that began before proven_at. A returned user keeps a hash, for the schema wants one: one that no password fits. No row back: the
-- address was proven in this instant, or is another one, or the row is another account's by now.
-- Served by users_pkey or idx_users_canonical_email.
UPDATE auth.users
SET
    email_proven_at = sqlc.arg(proven_at)::timestamptz,
    email_proven_by = sqlc.narg(proven_by)::text,
    tokens_valid_after = CASE
        WHEN sqlc.arg(ends_sessions)::boolean
            THEN
                greatest(
                    tokens_valid_after,
                    least(
                        sqlc.arg(proven_at)::timestamptz,
                        date_trunc('second', clock_timestamp() + sqlc.arg(firebase_lead)::float8 * interval '1 second')
                        + interval '1 second'
                    )
                )
        ELSE tokens_valid_after
    END,
    password_hash = CASE
        WHEN sqlc.arg(keep_password)::boolean OR password_hash IS NULL THEN password_hash
        WHEN auth_provider IN ('firebase', 'hybrid') THEN NULL
        ELSE '!'
    END,
    provider_data = CASE
        WHEN jsonb_typeof(provider_data) = 'object' THEN provider_data || '{"email_verified": true}'
        ELSE '{"email_verified": true}'
    END,
    updated_at = clock_timestamp()
WHERE
    id = sqlc.arg(id) AND firebase_uid = sqlc.arg(firebase_uid)::varchar AND email_proven_at IS NULL
    AND auth.canonical_email(email) = sqlc.arg(email)::text
RETURNING
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by;

-- name: TouchLastLogin :exec
-- Called by internal/user off the request's path; most calls find nothing to do. Who was seen has an account that works: a
-- registration that stopped before its end is finished by it. A row that is being moved has no uid yet, and stays as it is. Served by users_pkey.
UPDATE auth.users
SET
    last_login = now(),
    last_firebase_sync = CASE WHEN federation_status = 'syncing' AND firebase_uid IS NOT NULL THEN now() ELSE last_firebase_sync END,
    federation_status = CASE WHEN federation_status = 'syncing' AND firebase_uid IS NOT NULL THEN 'active' ELSE federation_status END,
    updated_at = CASE WHEN federation_status = 'syncing' AND firebase_uid IS NOT NULL THEN now() ELSE updated_at END
WHERE id = $1 AND (last_login IS NULL OR last_login < now() - interval '5 minutes');

-- name: RevokeTokens :one
-- Called by internal/user: every session that began before the next whole second is over, by the clock that dates the row's sessions
-- (firebase_lead is how far Firebase's is ahead of PostgreSQL's, legacy_lead how far the one of legacy sessions is) or by issued_until,
-- whichever is later: the time of the token that asks. EndLegacySessions follows in the same transaction. So it is with every
-- statement that has these arguments. Served by users_pkey.
UPDATE auth.users
SET
    tokens_valid_after = greatest(
        tokens_valid_after,
        date_trunc('second', greatest(
            clock_timestamp() + CASE
                WHEN firebase_uid IS NULL THEN sqlc.arg(legacy_lead)::float8 ELSE sqlc.arg(firebase_lead)::float8
            END * interval '1 second',
            sqlc.arg(issued_until)::timestamptz
        )) + interval '1 second'
    ),
    updated_at = now()
WHERE id = sqlc.arg(id)
RETURNING tokens_valid_after;

-- name: EndLegacySessions :exec
-- Called by internal/user and internal/account after the statement that ends the sessions of a row, in its transaction: legacy sessions
-- are dated by a clock of their own, legacy_lead ahead of PostgreSQL's. One that began in the second of the moment, or later by the
-- clock of the instance that began it, is ended by itself: the row's lock is held, so every session that has begun is seen.
-- With ends_at, only sessions that began before it are over. Served by users_pkey and idx_legacy_sessions_user_id.
WITH person AS (
    UPDATE auth.users AS users
    SET legacy_tokens_valid_after = greatest(
        users.legacy_tokens_valid_after,
        date_trunc('second', least(
            sqlc.narg(ends_at)::timestamptz,
            greatest(
                clock_timestamp() + sqlc.arg(legacy_lead)::float8 * interval '1 second',
                sqlc.arg(legacy_issued_until)::timestamptz
            )
        )) + interval '1 second'
    )
    WHERE users.id = sqlc.arg(id)
    RETURNING users.id, greatest(users.tokens_valid_after, users.legacy_tokens_valid_after) AS since
)
UPDATE auth.legacy_sessions AS sessions
SET ended_at = clock_timestamp()
FROM person
WHERE
    sessions.user_id = person.id AND sessions.ended_at IS NULL AND sessions.began_at >= person.since
    AND sqlc.narg(ends_at)::timestamptz IS NULL;

-- name: ChangeUsername :one
-- Called by internal/user; users_username_key decides races. No row back: no such user, or that is the name already.
-- Served by users_pkey.
UPDATE auth.users
SET username = sqlc.arg(username)::varchar, updated_at = now()
WHERE id = sqlc.arg(id) AND username IS DISTINCT FROM sqlc.arg(username)::varchar
RETURNING
    id, firebase_uid, auth_provider, username, email, user_type, is_active, token_balance, federation_status,
    tokens_valid_after, last_login, created_at, updated_at, email_proven_at, email_proven_by;

-- name: HoldToDelete :one
-- Called by internal/user before a row is deleted, in that transaction: which account goes with it. moving: a move is under way, and may
-- have made the account of the row's id. No row: it is deleted already. Served by users_pkey.
SELECT
    coalesce(firebase_uid, '')::text AS firebase_uid,
    (firebase_uid IS NULL AND coalesce(federation_status = 'syncing', false))::boolean AS moving
FROM auth.users
WHERE id = $1
FOR UPDATE;

-- name: DeleteUser :exec
-- Called by internal/user in one transaction with InsertTombstone. Served by users_pkey.
DELETE FROM auth.users
WHERE id = $1;

-- name: InsertTombstone :exec
-- Called by internal/user when an account is deleted. The instant is the next whole second, as for a revocation: a token's
-- auth_time has no fractions. Served by tombstones_pkey (the conflict).
INSERT INTO auth.tombstones (user_id, firebase_uid, deleted_at)
VALUES (
    sqlc.arg(user_id), sqlc.narg(firebase_uid)::varchar,
    date_trunc('second', greatest(
        clock_timestamp() + sqlc.arg(firebase_lead)::float8 * interval '1 second', sqlc.arg(issued_until)::timestamptz
    )) + interval '1 second'
)
ON CONFLICT (user_id) DO NOTHING;

-- name: Deleted :one
-- Called by internal/user when FirstSight answered nothing: was the account of this session deleted?
-- Served by idx_tombstones_firebase_uid.
SELECT (
    CASE WHEN set_config('transaction_read_only', 'off', true) = 'off' THEN EXISTS (
        SELECT FROM auth.tombstones
        WHERE
            firebase_uid = sqlc.arg(firebase_uid)::varchar
            AND deleted_at > sqlc.arg(auth_time)::timestamptz
    ) END
)::boolean AS deleted;

-- name: AddressVerifiedByPlatform :one
-- Called by internal/user before a link, and by internal/move, where LEGACY_EMAIL_VERIFIED trusts the platform's addresses or names
-- a column of the platform's own: was the address of this row verified? Only a boolean that is true says yes: a column that does
-- not exist, is NULL or holds something else says no. Who registered here never proved an address, whatever the platform trusts.
-- Served by users_pkey.
SELECT (
    (sqlc.arg(trust)::boolean OR coalesce(to_jsonb(users) -> sqlc.arg(column_name)::text = 'true'::jsonb, false))
    AND NOT coalesce(provider_data @> '{"email_verified": false}', false)
)::boolean AS verified
FROM auth.users
WHERE id = sqlc.arg(id);

-- name: UsersByLegacyTokens :many
-- Called by internal/user for verified legacy tokens that no cache knows, one or several that wait at once: the rows of their ids, and
-- what revokes legacy tokens alone. Sessions that ended longer ago than a legacy access token can live are nobody's concern, unless they
-- have gone on at Firebase (M9), where sessions have no end of their own.
-- Served by users_pkey and idx_legacy_sessions_user_id.
SELECT
    users.id, users.firebase_uid, users.auth_provider, users.username, users.email, users.user_type, users.is_active,
    users.token_balance, users.federation_status, users.tokens_valid_after, users.last_login, users.created_at,
    users.updated_at, users.email_proven_at, users.email_proven_by, users.legacy_tokens_valid_after,
    ARRAY(
        SELECT ended.id FROM auth.legacy_sessions AS ended
        WHERE
            ended.user_id = users.id
            AND (ended.ended_at > now() - interval '25 hours' OR ended.ended_at IS NOT NULL AND ended.carried_at IS NOT NULL)
    )::uuid [] AS ended_sessions
FROM auth.users AS users
WHERE users.id = ANY(sqlc.arg(ids)::uuid []) AND set_config('transaction_read_only', 'off', true) = 'off';

-- name: DeletedByID :one
-- Called by internal/user when UsersByLegacyTokens answered nothing: was the account deleted? Served by tombstones_pkey.
SELECT (
    CASE WHEN set_config('transaction_read_only', 'off', true) = 'off' THEN EXISTS (
        SELECT FROM auth.tombstones WHERE user_id = $1
    ) END
)::boolean AS deleted;
