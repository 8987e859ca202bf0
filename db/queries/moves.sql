-- Moving a user to Firebase: the statements of internal/move.

-- name: ClaimMoveCredentials :one
-- Called by internal/move before Firebase is asked: of all who want to move one row, one may. What was stopped by a conflict is
-- not tried again for an hour. No row back: somebody else is at it, it has been moved, or it is not to be. A password that came home
-- from Firebase must be bcrypt's first. verified is AddressVerifiedByPlatform's, which never counts for an admin.
-- Served by users_pkey, move_claims_pkey and firebase_passwords_pkey.
WITH person AS (
    SELECT users.id, users.password_hash FROM auth.users AS users
    WHERE
        users.id = sqlc.arg(id) AND coalesce(auth_provider, 'local') = 'local' AND firebase_uid IS NULL AND password_hash IS NOT NULL
        AND coalesce(federation_status, 'active') IN ('active', 'failed') AND coalesce(is_active, true)
        AND NOT EXISTS (
            SELECT FROM auth.firebase_passwords AS kept WHERE kept.user_id = users.id AND kept.local_hash = users.password_hash
        )
    FOR NO KEY UPDATE OF users
),
claim AS (
    INSERT INTO auth.move_claims (user_id, claimed_by, claimed_at, hash_digest)
    SELECT person.id, sqlc.arg(claimed_by)::text, clock_timestamp(), sha256(convert_to(person.password_hash, 'UTF8'))
    FROM person
    ON CONFLICT (user_id) DO UPDATE
    SET
        claimed_by = excluded.claimed_by, claimed_at = excluded.claimed_at, hash_digest = excluded.hash_digest, failed_at = NULL,
        failure = NULL
    WHERE move_claims.failed_at < clock_timestamp() - interval '1 hour'
    RETURNING user_id
)
UPDATE auth.users
SET federation_status = 'syncing', updated_at = now()
WHERE users.id IN (SELECT claim.user_id FROM claim)
RETURNING
    id, email, username, user_type, password_hash, last_login, created_at,
    (
        (sqlc.arg(trust)::boolean OR coalesce(to_jsonb(users) -> sqlc.arg(column_name)::text = 'true'::jsonb, false))
        AND NOT coalesce(provider_data @> '{"email_verified": false}', false)
        AND user_type IS DISTINCT FROM 'admin'
    )::boolean AS verified;

-- name: ClaimMoves :many
-- Called by internal/move for a batch: ClaimMoveCredentials for many. It waits for no other transaction, and tries again what a conflict
-- has stopped. Served by users_pkey, move_claims_pkey and firebase_passwords_pkey.
WITH free AS (
    SELECT users.id, users.password_hash FROM auth.users AS users
    WHERE
        users.id = ANY(sqlc.arg(ids)::uuid []) AND coalesce(auth_provider, 'local') = 'local' AND firebase_uid IS NULL
        AND password_hash IS NOT NULL AND coalesce(federation_status, 'active') IN ('active', 'failed') AND coalesce(is_active, true)
        AND NOT EXISTS (
            SELECT FROM auth.firebase_passwords AS kept WHERE kept.user_id = users.id AND kept.local_hash = users.password_hash
        )
    ORDER BY users.id
    FOR NO KEY UPDATE OF users SKIP LOCKED
),
claim AS (
    INSERT INTO auth.move_claims (user_id, claimed_by, claimed_at, hash_digest)
    SELECT free.id, sqlc.arg(claimed_by)::text, clock_timestamp(), sha256(convert_to(free.password_hash, 'UTF8'))
    FROM free
    ON CONFLICT (user_id) DO UPDATE
    SET
        claimed_by = excluded.claimed_by, claimed_at = excluded.claimed_at, hash_digest = excluded.hash_digest, failed_at = NULL,
        failure = NULL
    WHERE move_claims.failed_at IS NOT NULL
    RETURNING user_id
)
UPDATE auth.users
SET federation_status = 'syncing', updated_at = now()
WHERE users.id IN (SELECT claim.user_id FROM claim)
RETURNING
    id, email, username, user_type, password_hash, last_login, created_at,
    (
        (sqlc.arg(trust)::boolean OR coalesce(to_jsonb(users) -> sqlc.arg(column_name)::text = 'true'::jsonb, false))
        AND NOT coalesce(provider_data @> '{"email_verified": false}', false)
        AND user_type IS DISTINCT FROM 'admin'
    )::boolean AS verified;

-- name: TakeOverMoves :many
-- Called by internal/move for claims that have lapsed: their holder was killed or hangs. The new holder looks at Firebase first.
-- rehashed: the row's hash is not the one that was claimed, and may have been imported. verified is ClaimMoves'. Served by users_pkey and move_claims_pkey.
WITH taken AS (
    UPDATE auth.move_claims
    SET claimed_by = sqlc.arg(claimed_by)::text, claimed_at = clock_timestamp()
    WHERE
        user_id = ANY(sqlc.arg(ids)::uuid []) AND failed_at IS NULL
        AND claimed_at < clock_timestamp() - sqlc.arg(lapse_seconds)::float8 * interval '1 second'
    RETURNING user_id, hash_digest
)
SELECT
    users.id, users.email, users.username, users.user_type, users.password_hash, users.last_login, users.created_at,
    (
        (sqlc.arg(trust)::boolean OR coalesce(to_jsonb(users) -> sqlc.arg(column_name)::text = 'true'::jsonb, false))
        AND NOT coalesce(users.provider_data @> '{"email_verified": false}', false)
        AND users.user_type IS DISTINCT FROM 'admin'
    )::boolean AS verified,
    (
        taken.hash_digest IS NOT NULL AND taken.hash_digest IS DISTINCT FROM sha256(convert_to(users.password_hash, 'UTF8'))
    )::boolean AS rehashed
FROM auth.users AS users
INNER JOIN taken ON taken.user_id = users.id
WHERE users.federation_status = 'syncing' AND coalesce(users.auth_provider, 'local') = 'local' AND users.firebase_uid IS NULL;

-- name: LapsedMoves :many
-- Called by internal/move: claims of runs that were cut short have no intent, and no sign-in may come. A running run takes its own over.
-- Served by bulk_runs_one_unfinished, and for the rest by no index: claims and intents are a few rows.
SELECT claims.user_id
FROM auth.move_claims AS claims
WHERE
    claims.failed_at IS NULL
    AND claims.claimed_at < clock_timestamp() - sqlc.arg(lapse_seconds)::float8 * interval '1 second'
    AND NOT EXISTS (SELECT FROM auth.bulk_runs AS runs WHERE runs.state IN ('running', 'paused') AND runs.state = 'running')
    AND NOT EXISTS (SELECT FROM auth.firebase_intents AS intents WHERE intents.user_id = claims.user_id AND intents.kind = 'move')
ORDER BY claims.claimed_at
LIMIT sqlc.arg(page_size)::int;

-- name: MoveConflict :one
-- Called by internal/move for a row that cannot be claimed: the conflict that keeps it from being tried again within the hour, as
-- ClaimMoveCredentials has it. Served by move_claims_pkey.
SELECT coalesce(failure, '')::text AS failure
FROM auth.move_claims
WHERE user_id = $1 AND failed_at >= clock_timestamp() - interval '1 hour';

-- name: MoveStates :many
-- Called by internal/move for rows that it could not claim or finish: what they are now. A row that is missing was deleted. Served by
-- users_pkey, move_claims_pkey and firebase_passwords_pkey.
SELECT
    users.id, coalesce(users.firebase_uid, '')::text AS firebase_uid,
    (coalesce(users.federation_status, 'active') = 'syncing')::boolean AS syncing,
    (coalesce(users.is_active, true) AND users.federation_status IS DISTINCT FROM 'disabled')::boolean AS active,
    (coalesce(users.auth_provider, 'local') = 'local' AND users.password_hash IS NOT NULL)::boolean AS local,
    (
        users.firebase_uid IS NOT NULL
        OR EXISTS (SELECT FROM auth.firebase_passwords AS kept WHERE kept.user_id = users.id AND kept.local_hash = users.password_hash)
    )::boolean AS returned,
    coalesce(claims.claimed_by, '')::text AS claimed_by
FROM auth.users AS users
LEFT JOIN auth.move_claims AS claims ON claims.user_id = users.id
WHERE users.id = ANY(sqlc.arg(ids)::uuid []);

-- name: FinishMoves :many
-- Called by internal/move when Firebase has the accounts, in one transaction with the end of the claims: from now on these users sign in
-- there. Only the holder of the claims may, and only where Firebase received what the row holds now. Where both sides are known to have one
-- password, the hash is as new as Firebase's (A7). Where the platform vouches for the address, it is proven. Served by users_pkey or
-- users_email_key and move_claims_pkey.
WITH members AS (
    SELECT
        unnest(sqlc.arg(ids)::uuid []) AS id,
        unnest(sqlc.arg(firebase_uids)::varchar []) AS firebase_uid,
        unnest(sqlc.arg(emails)::varchar []) AS email,
        unnest(sqlc.arg(password_hashes)::varchar []) AS password_hash,
        unnest(sqlc.arg(admins)::boolean []) AS admin,
        unnest(sqlc.arg(one_passwords)::boolean []) AS one_password
)
UPDATE auth.users
SET
    password_set_at = CASE
        WHEN members.one_password THEN clock_timestamp() + sqlc.arg(firebase_lead)::float8 * interval '1 second'
        ELSE users.password_set_at
    END,
    email_proven_at = CASE
        WHEN
            (sqlc.arg(trust)::boolean OR coalesce(to_jsonb(users) -> sqlc.arg(column_name)::text = 'true'::jsonb, false))
            AND NOT coalesce(users.provider_data @> '{"email_verified": false}', false) AND NOT members.admin
            THEN clock_timestamp()
    END,
    email_proven_by = NULL,
    firebase_uid = members.firebase_uid, auth_provider = 'hybrid', federation_status = 'active',
    last_firebase_sync = now(), updated_at = now()
FROM members
INNER JOIN auth.move_claims AS claims ON claims.user_id = members.id AND claims.claimed_by = sqlc.arg(claimed_by)::text
WHERE
    users.id = members.id AND users.federation_status = 'syncing' AND coalesce(users.auth_provider, 'local') = 'local'
    AND users.firebase_uid IS NULL AND coalesce(users.is_active, true) AND users.email = members.email
    AND users.password_hash = members.password_hash AND (users.user_type IS NOT DISTINCT FROM 'admin') = members.admin
RETURNING users.id;

-- name: ReleaseMoves :exec
-- Called by internal/move when nothing came of moves: the rows are as they were before the claim. Served by users_pkey and move_claims_pkey.
UPDATE auth.users
SET federation_status = 'active', updated_at = now()
WHERE
    id = ANY(sqlc.arg(ids)::uuid []) AND federation_status = 'syncing' AND coalesce(auth_provider, 'local') = 'local'
    AND EXISTS (
        SELECT FROM auth.move_claims
        WHERE move_claims.user_id = users.id AND move_claims.claimed_by = sqlc.arg(claimed_by)::text
    );

-- name: EndMoveClaims :exec
-- Called by internal/move with FinishMoves and ReleaseMoves, in their transaction. Served by move_claims_pkey.
DELETE FROM auth.move_claims
WHERE user_id = ANY(sqlc.arg(ids)::uuid []) AND claimed_by = sqlc.arg(claimed_by)::text;

-- name: FailMoveClaims :exec
-- Called by internal/move with ReleaseMoves, in its transaction, where trying again at once would end the same way.
-- Served by move_claims_pkey.
WITH members AS (
    SELECT unnest(sqlc.arg(ids)::uuid []) AS id, unnest(sqlc.arg(failures)::text []) AS failure
)
UPDATE auth.move_claims
SET failed_at = clock_timestamp(), failure = members.failure
FROM members
WHERE move_claims.user_id = members.id AND move_claims.claimed_by = sqlc.arg(claimed_by)::text;

-- name: MoveUnderWay :one
-- Called by internal/move for a move that was cut short: is the row still as it was claimed, and has its password been set since?
-- Served by users_pkey.
SELECT
    (federation_status = 'syncing' AND coalesce(auth_provider, 'local') = 'local' AND firebase_uid IS NULL)::boolean AS under_way,
    coalesce(password_set_at > sqlc.arg(began)::timestamptz, false)::boolean AS another_password
FROM auth.users
WHERE id = sqlc.arg(id);
