-- Moving a user to Firebase: the statements of internal/move.

-- name: ClaimMoveCredentials :one
-- Called by internal/move before Firebase is asked: of all who want to move one row, one may. What was stopped by a conflict is
-- not tried again for an hour. No row back: somebody else is at it, it has been moved, or it is not to be.
-- Served by users_pkey and move_claims_pkey.
WITH person AS (
    SELECT users.id FROM auth.users AS users
    WHERE
        users.id = sqlc.arg(id) AND coalesce(auth_provider, 'local') = 'local' AND firebase_uid IS NULL AND password_hash IS NOT NULL
        AND coalesce(federation_status, 'active') IN ('active', 'failed') AND coalesce(is_active, true)
    FOR NO KEY UPDATE OF users
),
claim AS (
    INSERT INTO auth.move_claims (user_id, claimed_by, claimed_at)
    SELECT person.id, sqlc.arg(claimed_by)::text, clock_timestamp()
    FROM person
    ON CONFLICT (user_id) DO UPDATE
    SET claimed_by = excluded.claimed_by, claimed_at = excluded.claimed_at, failed_at = NULL, failure = NULL
    WHERE
        move_claims.failed_at < clock_timestamp() - interval '1 hour'
        OR (sqlc.arg(retry_failed)::boolean AND move_claims.failed_at IS NOT NULL)
    RETURNING user_id
)
UPDATE auth.users
SET federation_status = 'syncing', updated_at = now()
WHERE users.id IN (SELECT claim.user_id FROM claim)
RETURNING id, email, username, user_type, password_hash, last_login, created_at;

-- name: TakeOverMoveCredentials :one
-- Called by internal/move when a claim has lapsed: its holder was killed or hangs. Whoever takes it over looks at Firebase first.
-- Served by users_pkey and move_claims_pkey.
WITH taken AS (
    UPDATE auth.move_claims
    SET claimed_by = sqlc.arg(claimed_by)::text, claimed_at = clock_timestamp()
    WHERE
        user_id = sqlc.arg(id) AND failed_at IS NULL
        AND claimed_at < clock_timestamp() - sqlc.arg(lapse_seconds)::float8 * interval '1 second'
    RETURNING user_id
)
SELECT users.id, users.email, users.username, users.user_type, users.password_hash, users.last_login, users.created_at
FROM auth.users AS users
INNER JOIN taken ON taken.user_id = users.id
WHERE users.federation_status = 'syncing' AND coalesce(users.auth_provider, 'local') = 'local' AND users.firebase_uid IS NULL;

-- name: MoveConflict :one
-- Called by internal/move for a row that cannot be claimed: the conflict that keeps it from being tried again within the hour, as
-- ClaimMoveCredentials has it. Served by move_claims_pkey.
SELECT coalesce(failure, '')::text AS failure
FROM auth.move_claims
WHERE user_id = $1 AND failed_at >= clock_timestamp() - interval '1 hour';

-- name: FinishMove :execrows
-- Called by internal/move when Firebase has the account, in one transaction with the end of the claim: from now on the person
-- signs in there. Nobody but the holder of the claim may. Where both sides are known to have one password now, the hash is as new as
-- Firebase's (A7). Where the platform vouches for the address, it is proven. Served by users_pkey and move_claims_pkey.
UPDATE auth.users
SET
    password_set_at = CASE
        WHEN sqlc.arg(one_password)::boolean THEN clock_timestamp() + sqlc.arg(firebase_lead)::float8 * interval '1 second'
        ELSE password_set_at
    END,
    email_proven_at = CASE WHEN sqlc.arg(email_proven)::boolean THEN clock_timestamp() END, email_proven_by = NULL,
    firebase_uid = sqlc.arg(firebase_uid)::varchar, auth_provider = 'hybrid', federation_status = 'active',
    last_firebase_sync = now(), updated_at = now()
WHERE
    id = sqlc.arg(id) AND federation_status = 'syncing' AND coalesce(auth_provider, 'local') = 'local' AND firebase_uid IS NULL
    AND EXISTS (
        SELECT FROM auth.move_claims
        WHERE move_claims.user_id = sqlc.arg(id) AND move_claims.claimed_by = sqlc.arg(claimed_by)::text
    );

-- name: ReleaseMove :exec
-- Called by internal/move when nothing came of a move: the row is as it was before the claim. Served by users_pkey.
UPDATE auth.users
SET federation_status = 'active', updated_at = now()
WHERE
    id = sqlc.arg(id) AND federation_status = 'syncing' AND coalesce(auth_provider, 'local') = 'local'
    AND EXISTS (
        SELECT FROM auth.move_claims
        WHERE move_claims.user_id = sqlc.arg(id) AND move_claims.claimed_by = sqlc.arg(claimed_by)::text
    );

-- name: EndMoveClaim :exec
-- Called by internal/move with FinishMove and ReleaseMove, in their transaction. Served by move_claims_pkey.
DELETE FROM auth.move_claims
WHERE user_id = sqlc.arg(id) AND claimed_by = sqlc.arg(claimed_by)::text;

-- name: FailMoveClaim :exec
-- Called by internal/move with ReleaseMove, in its transaction, where trying again at once would end the same way.
-- Served by move_claims_pkey.
UPDATE auth.move_claims
SET failed_at = clock_timestamp(), failure = sqlc.arg(failure)::text
WHERE user_id = sqlc.arg(id) AND claimed_by = sqlc.arg(claimed_by)::text;

-- name: MoveUnderWay :one
-- Called by internal/move for a move that was cut short: is the row still as it was claimed, and has its password been set since?
-- Served by users_pkey.
SELECT
    (federation_status = 'syncing' AND coalesce(auth_provider, 'local') = 'local' AND firebase_uid IS NULL)::boolean AS under_way,
    coalesce(password_set_at > sqlc.arg(began)::timestamptz, false)::boolean AS another_password
FROM auth.users
WHERE id = sqlc.arg(id);
