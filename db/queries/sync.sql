-- What we owe Firebase, and reconciling with it: the statements of internal/fbsync. River's own come with River.

-- name: OwedState :one
-- Called by internal/fbsync before Firebase is asked, and again under the row's lock before the job ends: what Firebase is to follow.
-- No row: nobody is there any more. Served by users_pkey.
SELECT
    firebase_uid, auth_provider, federation_status, tokens_valid_after,
    (coalesce(is_active, true) AND federation_status IS DISTINCT FROM 'disabled')::boolean AS admitted,
    coalesce(provider_data @> '{"enabling": true}', false)::boolean AS reactivated
FROM auth.users
WHERE id = $1;

-- name: LockUser :exec
-- Called by internal/fbsync in the transaction that ends a job: whoever changes the row has committed, and its change is read by the next
-- statement; or waits, and finds the job done. Called by internal/account, internal/user and internal/move before they complete a change
-- at Firebase, so that they take their locks in the order of the request. Served by users_pkey.
SELECT FROM auth.users
WHERE id = $1
FOR NO KEY UPDATE;

-- name: EnabledAtFirebase :exec
-- Called by internal/fbsync in the transaction that ends a job: what an operator asked for with a reactivation is done.
-- Served by users_pkey.
UPDATE auth.users
SET provider_data = provider_data - 'enabling', updated_at = clock_timestamp()
WHERE id = $1 AND jsonb_typeof(provider_data) = 'object' AND provider_data ? 'enabling';

-- name: RememberProject :exec
-- Called by internal/fbsync at each start: the first one writes down which Firebase project the rows belong to. Served by no index: it is one row.
INSERT INTO auth.firebase_project (project_id, tenant)
VALUES (sqlc.arg(project_id)::text, sqlc.arg(tenant)::text)
ON CONFLICT (only_row) DO NOTHING;

-- name: RememberedProject :one
-- Called by internal/fbsync at each start and before it reconciles. Served by no index: it is one row.
SELECT project_id, tenant FROM auth.firebase_project;

-- name: BeginReconcile :one
-- Called by internal/fbsync: of all who want to reconcile one may, and those who come on time find that it was done. A killed run's
-- place lapses. It gives when the run began, by the clock that dates the rows. No row: not now. Served by no index: it is one row.
UPDATE auth.firebase_project
SET reconciling_by = sqlc.arg(who)::text, reconciling_until = clock_timestamp() + interval '5 minutes'
WHERE
    only_row AND coalesce(reconciling_until < clock_timestamp(), true)
    AND coalesce(reconciled_at < clock_timestamp() - sqlc.arg(every_seconds)::float8 * interval '1 second', true)
RETURNING clock_timestamp()::timestamptz AS began;

-- name: KeepReconciling :execrows
-- Called by internal/fbsync before each page. No row: the place has lapsed and is somebody else's. Served by no index: it is one row.
UPDATE auth.firebase_project
SET reconciling_until = clock_timestamp() + interval '5 minutes'
WHERE only_row AND reconciling_by = sqlc.arg(who)::text;

-- name: EndReconcile :exec
-- Called by internal/fbsync; reconciled_at is when a run that went through began, else NULL. Served by no index: it is one row.
UPDATE auth.firebase_project
SET reconciling_by = NULL, reconciling_until = NULL, reconciled_at = coalesce(sqlc.narg(reconciled_at)::timestamptz, reconciled_at)
WHERE only_row AND reconciling_by = sqlc.arg(who)::text;

-- name: ForgetListed :exec
-- Called by internal/fbsync before and after it reads Firebase's list. Served by no index: it takes the whole table.
DELETE FROM auth.reconcile_listed
WHERE firebase_uid IS NOT NULL;

-- name: NoteListed :execrows
-- Called by internal/fbsync with each page of Firebase's list; fewer rows than accounts: the list has shown some twice.
-- Served by reconcile_listed_pkey (the conflict).
INSERT INTO auth.reconcile_listed (firebase_uid)
SELECT unnest(sqlc.arg(firebase_uids)::text [])
ON CONFLICT DO NOTHING;

-- name: RowsOfPage :many
-- Called by internal/fbsync with each page of Firebase's list: OwedState for many. Served by idx_users_firebase_uid.
SELECT
    id, firebase_uid, auth_provider, federation_status, tokens_valid_after,
    (coalesce(is_active, true) AND federation_status IS DISTINCT FROM 'disabled')::boolean AS admitted,
    coalesce(provider_data @> '{"enabling": true}', false)::boolean AS reactivated
FROM auth.users
WHERE firebase_uid = ANY(sqlc.arg(firebase_uids)::varchar []);

-- name: CountAtFirebase :one
-- Called by internal/fbsync once a run: how many rows an account must stand behind. Served by no index: it reads the whole table.
SELECT count(*) FROM auth.users
WHERE firebase_uid IS NOT NULL AND auth_provider IN ('firebase', 'hybrid');

-- name: MissingRows :many
-- Called by internal/fbsync after the list: rows whose account was not in it, a page at a time. Who was changed since the list began may
-- have come too late for it, and is left to the next run. Served by idx_users_firebase_uid and reconcile_listed_pkey.
SELECT id, firebase_uid::text AS firebase_uid, coalesce(updated_at::text, '')::text AS version
FROM auth.users
WHERE
    firebase_uid > sqlc.arg(after)::varchar AND auth_provider IN ('firebase', 'hybrid')
    AND federation_status IS DISTINCT FROM 'disabled' AND federation_status IS DISTINCT FROM 'syncing'
    AND coalesce(updated_at < sqlc.arg(began)::timestamptz, true)
    AND NOT EXISTS (SELECT FROM auth.reconcile_listed WHERE reconcile_listed.firebase_uid = users.firebase_uid)
ORDER BY users.firebase_uid
LIMIT 1000;

-- name: WaitForRows :exec
-- Called by internal/fbsync before it changes a row, in that transaction: how long it waits for a row that another transaction holds. Served by no index:
-- it reads no table.
SELECT set_config('lock_timeout', sqlc.arg(patience)::text, true);

-- name: DisableGone :execrows
-- Called by internal/fbsync for a row whose account a look-up of its own has not found (S2). No row: it was changed meanwhile.
-- Served by users_pkey or idx_users_firebase_uid.
UPDATE auth.users
SET
    federation_status = 'disabled',
    provider_data = CASE
        WHEN jsonb_typeof(provider_data) = 'object' THEN provider_data || '{"sync_failure": "account_gone"}'
        ELSE '{"sync_failure": "account_gone"}'
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
WHERE
    id = sqlc.arg(id) AND firebase_uid = sqlc.arg(firebase_uid)::varchar
    AND coalesce(updated_at::text, '') = sqlc.arg(version)::text;

-- name: StaleRegistrations :many
-- Called by internal/fbsync: registrations at Firebase that nobody has gone on with for a day (A1), a page at a time.
-- Served by idx_users_federation_status.
SELECT id, coalesce(updated_at::text, '')::text AS version
FROM auth.users
WHERE
    federation_status = 'syncing' AND auth_provider = 'firebase' AND firebase_uid = id::text
    AND last_login IS NULL AND coalesce(token_balance, 0) = 0 AND coalesce(user_type, 'user') = 'user'
    AND updated_at < now() - interval '1 day' AND id > sqlc.arg(after)::uuid
ORDER BY id
LIMIT 1000;

-- name: ClearRegistration :execrows
-- Called by internal/fbsync for a registration whose account Firebase has never made. No row: somebody has gone on with it.
-- Served by users_pkey.
DELETE FROM auth.users
WHERE
    id = sqlc.arg(id) AND federation_status = 'syncing' AND last_login IS NULL
    AND coalesce(updated_at::text, '') = sqlc.arg(version)::text;

-- name: OwedJobs :many
-- Called by internal/fbsync for operators: what was tried without success, the oldest first, a page at a time. What is done goes after an
-- hour, so the table is small. Served by river_job_pkey or river_job_kind.
SELECT
    id, (args ->> 'user_id')::uuid AS user_id, created_at,
    (state IN ('discarded', 'cancelled'))::boolean AS dead,
    (attempt + coalesce((metadata ->> 'snoozes')::bigint, 0))::bigint AS tries,
    coalesce(metadata ->> 'last_error', '')::text AS waits_for,
    left(coalesce(errors[cardinality(errors)] ->> 'error', ''), 500)::text AS refusal,
    scheduled_at
FROM auth.river_job
WHERE
    (kind = 'firebase_state' OR (kind = 'firebase_intent' AND (metadata ? 'last_error' OR cardinality(errors) > 0)))
    AND id > sqlc.arg(after)::bigint
    AND (
        state IN ('discarded', 'cancelled', 'retryable')
        OR (state IN ('scheduled', 'available', 'running') AND (metadata ? 'snoozes' OR cardinality(errors) > 0))
    )
    AND coalesce((state IN ('discarded', 'cancelled')) = sqlc.narg(dead)::boolean, true)
ORDER BY id
LIMIT sqlc.arg(most);

-- name: OwedJob :one
-- Called by internal/fbsync before a job is tried again by hand; nobody else ends it meanwhile. Served by river_job_pkey.
SELECT
    (args ->> 'user_id')::uuid AS user_id,
    coalesce(args ->> 'intent_id', '00000000-0000-0000-0000-000000000000')::uuid AS intent_id,
    (state IN ('discarded', 'cancelled'))::boolean AS dead
FROM auth.river_job
WHERE id = sqlc.arg(id)::bigint AND kind IN ('firebase_state', 'firebase_intent') AND state <> 'completed'
FOR UPDATE;

-- name: OwedSummary :one
-- Called by internal/fbsync now and then, for the metrics. Served by river_job_kind.
SELECT
    count(*) FILTER (WHERE state NOT IN ('completed', 'discarded', 'cancelled'))::bigint AS waiting,
    count(*) FILTER (WHERE state IN ('discarded', 'cancelled'))::bigint AS dead,
    coalesce(
        extract(EPOCH FROM now() - min(created_at) FILTER (WHERE state NOT IN ('completed', 'discarded', 'cancelled'))), 0
    )::float8 AS oldest_seconds
FROM auth.river_job
WHERE kind = 'firebase_state' OR (kind = 'firebase_intent' AND (metadata ? 'last_error' OR cardinality(errors) > 0));
