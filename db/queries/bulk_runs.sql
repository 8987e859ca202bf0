-- Bulk operations on users: the statements of internal/bulk.

-- name: StartBulkRun :one
-- Called by internal/bulk for an operator's new run. No row: another run is unfinished. Served by bulk_runs_one_unfinished (the conflict).
INSERT INTO auth.bulk_runs (
    id, kind, project_id, tenant, selection, buckets, ids_digest, rate, parallel, max_errors, started_by, lease_by, lease_until
)
VALUES (
    sqlc.arg(id), sqlc.arg(kind)::text, sqlc.arg(project_id)::text, sqlc.arg(tenant)::text, sqlc.arg(selection)::text,
    sqlc.arg(buckets)::integer, sqlc.narg(ids_digest)::bytea, sqlc.arg(rate)::integer, sqlc.arg(parallel)::integer,
    sqlc.arg(max_errors)::integer, sqlc.arg(started_by)::text, sqlc.narg(lease_by)::uuid,
    clock_timestamp() + sqlc.arg(lease_seconds)::float8 * interval '1 second'
)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: AddBulkRunUsers :execrows
-- Called by internal/bulk for a new run by ids, in its transaction. Fewer rows than ids: users are missing. Served by users_pkey.
INSERT INTO auth.bulk_run_users (run_id, user_id, outcome)
SELECT sqlc.arg(run_id)::uuid, users.id, 'pending'
FROM auth.users AS users
WHERE users.id = ANY(sqlc.arg(ids)::uuid []);

-- name: ExistingUsers :many
-- Called by internal/bulk to name the ids that no user has. Served by users_pkey.
SELECT id FROM auth.users
WHERE id = ANY(sqlc.arg(ids)::uuid []);

-- name: BulkRun :one
-- Called by internal/bulk. Served by bulk_runs_pkey.
SELECT
    id, kind, state, reason, project_id, tenant, selection, buckets, ids_digest, rate, parallel, max_errors, started_by, started_at, ended_at,
    after_id, page_token, moved, skipped, failed, pace, throttled_at, canary_at, canary_failure, lease_by, lease_until,
    coalesce(lease_until > clock_timestamp(), false)::boolean AS carried, clock_timestamp()::timestamptz AS read_at
FROM auth.bulk_runs
WHERE id = $1;

-- name: UnfinishedBulkRun :one
-- Called by internal/bulk. Served by bulk_runs_one_unfinished.
SELECT id
FROM auth.bulk_runs
WHERE state IN ('running', 'paused');

-- name: BulkRuns :many
-- Called by internal/bulk for a page of runs, the newest first. Served by idx_bulk_runs_started_at.
SELECT id, started_at
FROM auth.bulk_runs
WHERE
    sqlc.narg(before)::timestamptz IS NULL
    OR (started_at, id) < (sqlc.narg(before)::timestamptz, sqlc.arg(before_id)::uuid)
ORDER BY started_at DESC, id DESC
LIMIT sqlc.arg(page_size)::int;

-- name: BulkRunsToCarry :many
-- Called by internal/bulk on every instance: runs into its project that no instance carries. Served by bulk_runs_one_unfinished.
SELECT id
FROM auth.bulk_runs
WHERE state IN ('running', 'paused') AND state = 'running' AND coalesce(lease_until < clock_timestamp(), true)
    AND project_id = sqlc.arg(project_id)::text AND tenant = sqlc.arg(tenant)::text;

-- name: LeaseBulkRun :execrows
-- Called by internal/bulk: of all that want to carry a run, one may. No row: another one carries it, or it is not running. Served by
-- bulk_runs_pkey or bulk_runs_one_unfinished.
UPDATE auth.bulk_runs
SET lease_by = sqlc.arg(lease_by)::uuid, lease_until = clock_timestamp() + sqlc.arg(lease_seconds)::float8 * interval '1 second'
WHERE
    id = sqlc.arg(id) AND state = 'running'
    AND (lease_by = sqlc.arg(lease_by)::uuid OR coalesce(lease_until < clock_timestamp(), true));

-- name: KeepBulkRun :one
-- Called by internal/bulk each second by the holder of the lease. No row: another one carries the run. Served by bulk_runs_pkey.
UPDATE auth.bulk_runs
SET
    lease_until = clock_timestamp() + sqlc.arg(lease_seconds)::float8 * interval '1 second',
    throttled_at = CASE WHEN sqlc.arg(throttled)::boolean THEN clock_timestamp() ELSE throttled_at END,
    pace = sqlc.arg(pace)::float8
WHERE id = sqlc.arg(id) AND lease_by = sqlc.arg(lease_by)::uuid
RETURNING state;

-- name: LeaveBulkRun :exec
-- Called by internal/bulk when it stops carrying a run. Served by bulk_runs_pkey.
UPDATE auth.bulk_runs
SET lease_by = NULL, lease_until = NULL
WHERE id = sqlc.arg(id) AND lease_by = sqlc.arg(lease_by)::uuid;

-- name: HoldBulkRun :one
-- Called by internal/bulk before it changes a run's state, in the same transaction. Served by bulk_runs_pkey.
SELECT state
FROM auth.bulk_runs
WHERE id = $1
FOR NO KEY UPDATE;

-- name: SetBulkRunState :one
-- Called by internal/bulk after HoldBulkRun. Served by bulk_runs_pkey.
UPDATE auth.bulk_runs
SET
    state = sqlc.arg(state)::text, reason = sqlc.narg(reason)::text,
    ended_at = CASE WHEN sqlc.arg(state)::text IN ('stopped', 'done') THEN clock_timestamp() END
WHERE id = sqlc.arg(id)
RETURNING kind;

-- name: RetryBulkRunUsers :execrows
-- Called by internal/bulk after HoldBulkRun: the failed users of a run are to be tried again. Served by idx_bulk_run_users_outcome.
WITH again AS (
    UPDATE auth.bulk_run_users
    SET outcome = 'pending', at = clock_timestamp()
    WHERE run_id = sqlc.arg(run_id) AND outcome = 'failed'
    RETURNING user_id
)
UPDATE auth.bulk_runs
SET failed = failed - (SELECT count(*) FROM again)
WHERE id = sqlc.arg(run_id) AND EXISTS (SELECT FROM again);

-- name: BulkCandidates :many
-- Called by internal/bulk for the next users of a run, by id. A user that this run has an outcome for is left out. Served by users_pkey and
-- bulk_run_users_pkey.
SELECT
    users.id,
    (
        coalesce(users.auth_provider, 'local') = 'local' AND users.firebase_uid IS NULL AND users.password_hash IS NOT NULL
        AND coalesce(users.is_active, true) AND users.federation_status IS DISTINCT FROM 'disabled'
    )::boolean AS movable
FROM auth.users AS users
WHERE
    (sqlc.narg(after)::uuid IS NULL OR users.id > sqlc.narg(after)::uuid)
    AND NOT EXISTS (SELECT FROM auth.bulk_run_users AS done WHERE done.run_id = sqlc.arg(run_id)::uuid AND done.user_id = users.id)
ORDER BY users.id
LIMIT sqlc.arg(page_size)::int;

-- name: PendingBulkUsers :many
-- Called by internal/bulk for users that another try may be moving, or that an operator has named, by id. Served by
-- idx_bulk_run_users_outcome.
SELECT user_id
FROM auth.bulk_run_users
WHERE run_id = sqlc.arg(run_id) AND outcome = 'pending' AND (sqlc.narg(after)::uuid IS NULL OR user_id > sqlc.narg(after)::uuid)
ORDER BY user_id
LIMIT sqlc.arg(page_size)::int;

-- name: RecordBulkUsers :exec
-- Called by internal/bulk with the outcomes of a batch after HoldBulkRun, in its transaction: the run's counts are exact. A user that has moved
-- stays so. Served by bulk_run_users_pkey.
WITH members AS (
    SELECT
        unnest(sqlc.arg(user_ids)::uuid []) AS user_id, unnest(sqlc.arg(outcomes)::text []) AS outcome, unnest(sqlc.arg(codes)::text []) AS code
),
before AS (
    SELECT known.outcome FROM auth.bulk_run_users AS known
    WHERE known.run_id = sqlc.arg(run_id)::uuid AND known.user_id = ANY(sqlc.arg(user_ids)::uuid []) AND known.outcome <> 'moved'
),
recorded AS (
    INSERT INTO auth.bulk_run_users AS known (run_id, user_id, outcome, code)
    SELECT sqlc.arg(run_id)::uuid, members.user_id, members.outcome, members.code
    FROM members
    ON CONFLICT (run_id, user_id) DO UPDATE SET outcome = excluded.outcome, code = excluded.code, at = excluded.at
    WHERE known.outcome <> 'moved'
    RETURNING known.outcome
),
counts AS (
    SELECT outcome, count(*) AS n FROM recorded GROUP BY outcome
    UNION ALL
    SELECT outcome, -count(*) AS n FROM before GROUP BY outcome
)
UPDATE auth.bulk_runs
SET
    moved = moved + coalesce((SELECT sum(n) FROM counts WHERE outcome = 'moved'), 0),
    skipped = skipped + coalesce((SELECT sum(n) FROM counts WHERE outcome = 'skipped'), 0),
    failed = failed + coalesce((SELECT sum(n) FROM counts WHERE outcome = 'failed'), 0)
WHERE id = sqlc.arg(run_id)::uuid;

-- name: AdvanceBulkRun :exec
-- Called by internal/bulk when all users up to an id have an outcome. skipped are users that the run does not move and has no row for.
-- Served by bulk_runs_pkey.
UPDATE auth.bulk_runs
SET after_id = sqlc.arg(after_id)::uuid, skipped = skipped + sqlc.arg(skipped)::bigint
WHERE id = sqlc.arg(id) AND lease_by = sqlc.arg(lease_by)::uuid;

-- name: AdvanceReturn :exec
-- Called by internal/bulk after each page of Firebase's export. Served by bulk_runs_pkey.
UPDATE auth.bulk_runs
SET page_token = sqlc.arg(page_token)::text
WHERE id = sqlc.arg(id) AND lease_by = sqlc.arg(lease_by)::uuid;

-- name: NoteBulkCanary :exec
-- Called by internal/bulk after each batch. Served by bulk_runs_pkey.
UPDATE auth.bulk_runs
SET canary_at = clock_timestamp(), canary_failure = sqlc.narg(failure)::text
WHERE id = sqlc.arg(id) AND lease_by = sqlc.arg(lease_by)::uuid;

-- name: BulkRunCodes :many
-- Called by internal/bulk for the failures of a run by code, and the users that are pending. Served by idx_bulk_run_users_outcome.
SELECT outcome, code, count(*) AS users
FROM auth.bulk_run_users
WHERE run_id = $1 AND outcome IN ('failed', 'pending')
GROUP BY outcome, code
ORDER BY outcome, users DESC, code;

-- name: MovableUsers :many
-- Called by internal/bulk for a preflight: all users, page by page, with what a run could move, and those that returned. Served by users_pkey.
SELECT
    users.id, users.email, users.password_hash,
    (
        coalesce(users.auth_provider, 'local') = 'local' AND users.password_hash IS NOT NULL AND coalesce(users.is_active, true)
        AND users.federation_status IS DISTINCT FROM 'disabled'
    )::boolean AS local,
    (users.firebase_uid IS NOT NULL)::boolean AS returned
FROM auth.users AS users
WHERE sqlc.narg(after)::uuid IS NULL OR users.id > sqlc.narg(after)::uuid
ORDER BY users.id
LIMIT sqlc.arg(page_size)::int;

-- name: MovableUsersByID :many
-- Called by internal/bulk for a preflight by ids: those that a run could move, as MovableUsers has them. Served by users_pkey and
-- firebase_passwords_pkey.
SELECT
    users.id, users.email, users.password_hash,
    (
        users.firebase_uid IS NOT NULL
        OR EXISTS (SELECT FROM auth.firebase_passwords AS kept WHERE kept.user_id = users.id AND kept.local_hash = users.password_hash)
    )::boolean AS returned
FROM auth.users AS users
WHERE
    users.id = ANY(sqlc.arg(ids)::uuid []) AND coalesce(users.auth_provider, 'local') = 'local'
    AND users.password_hash IS NOT NULL AND coalesce(users.is_active, true) AND users.federation_status IS DISTINCT FROM 'disabled';
