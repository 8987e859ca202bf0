-- The return of users from Firebase (M7): the statements of internal/rollback.

-- name: ReturnCandidates :many
-- Called by internal/rollback with a page of Firebase's export: the rows that its accounts belong to, and what a run knows of them. settled: the
-- row holds the account's password, or a later one. set_aside: the account's password is older than the row's that was taken out of use (F3).
-- left_as: the former provider, where another run was stopped after it made the row local and before it looked again.
-- Served by idx_users_firebase_uid, bulk_run_users_pkey, firebase_passwords_pkey and set_aside_passwords_pkey; runs are few.
WITH members AS (
    SELECT
        unnest(sqlc.arg(firebase_uids)::varchar []) AS firebase_uid, unnest(sqlc.arg(hashes)::bytea []) AS hash,
        unnest(sqlc.arg(salts)::bytea []) AS salt, unnest(sqlc.arg(password_set_ats)::timestamptz []) AS password_set_at
)
SELECT
    users.id, members.firebase_uid::text AS firebase_uid, users.email, coalesce(users.auth_provider, 'local')::text AS auth_provider,
    (coalesce(users.federation_status, 'active') = 'syncing')::boolean AS syncing,
    (coalesce(users.is_active, true) AND users.federation_status IS DISTINCT FROM 'disabled')::boolean AS admitted,
    coalesce(auth.bcrypt_cost(users.password_hash) > 0, false)::boolean AS has_password,
    coalesce((
        SELECT CASE WHEN latest.outcome = 'pending' AND latest.code IN ('firebase', 'hybrid') THEN latest.code END
        FROM auth.bulk_runs AS runs
        INNER JOIN auth.bulk_run_users AS latest ON latest.run_id = runs.id AND latest.user_id = users.id
        WHERE runs.kind = 'return' AND runs.id <> sqlc.arg(run_id)::uuid
        ORDER BY runs.started_at DESC
        LIMIT 1
    ), '')::text AS left_as,
    (known.user_id IS NOT NULL)::boolean AS known, coalesce(known.outcome, '')::text AS outcome, coalesce(known.code, '')::text AS code,
    coalesce(kept.hash = members.hash AND kept.salt = members.salt AND kept.local_hash = users.password_hash, false)::boolean AS kept,
    (
        members.hash = ''
        OR coalesce(kept.hash = members.hash AND kept.salt = members.salt AND kept.local_hash = users.password_hash, false)
        OR coalesce(users.password_hash <> '!' AND users.password_set_at >= members.password_set_at, false)
    )::boolean AS settled,
    EXISTS (
        SELECT FROM auth.set_aside_passwords AS aside WHERE aside.user_id = users.id AND aside.set_aside_at >= members.password_set_at
    )::boolean AS set_aside
FROM members
INNER JOIN auth.users AS users ON users.firebase_uid = members.firebase_uid
LEFT JOIN auth.bulk_run_users AS known ON known.run_id = sqlc.arg(run_id)::uuid AND known.user_id = users.id
LEFT JOIN auth.firebase_passwords AS kept ON kept.user_id = users.id
ORDER BY users.id;

-- name: ReturnUsers :many
-- Called by internal/rollback: these rows are local from now on, and keep their uid. A row that is not as the export shows it, or whose password
-- is being changed at Firebase, stays. KeepFirebasePasswords follows in the transaction. Served by users_pkey.
WITH members AS (
    SELECT
        unnest(sqlc.arg(ids)::uuid []) AS id, unnest(sqlc.arg(firebase_uids)::varchar []) AS firebase_uid,
        unnest(sqlc.arg(emails)::varchar []) AS email
),
held AS (
    SELECT users.id, users.auth_provider
    FROM auth.users AS users
    INNER JOIN members ON members.id = users.id
    WHERE
        users.id = ANY(sqlc.arg(ids)::uuid []) AND users.auth_provider IN ('firebase', 'hybrid') AND users.firebase_uid = members.firebase_uid
        AND users.email = members.email AND users.federation_status IS DISTINCT FROM 'syncing'
    ORDER BY users.id
    FOR NO KEY UPDATE OF users
)
UPDATE auth.users AS users
SET
    auth_provider = 'local', password_hash = coalesce(users.password_hash, '!'), updated_at = now(),
    federation_status = CASE WHEN users.federation_status = 'disabled' THEN 'disabled' ELSE 'active' END
FROM held
WHERE users.id = held.id AND NOT EXISTS (SELECT FROM auth.firebase_intents AS intents WHERE intents.user_id = users.id)
RETURNING users.id, held.auth_provider::text AS former;

-- name: UndoReturns :many
-- Called by internal/rollback where a row became local, and its account turns out to need Firebase: a second factor, say. former is what
-- ReturnUsers answered. A password that was set since stays, and the row with it. Served by users_pkey, bulk_run_users_pkey and
-- firebase_passwords_pkey.
WITH members AS (
    SELECT unnest(sqlc.arg(ids)::uuid []) AS id, unnest(sqlc.arg(formers)::varchar []) AS former
),
held AS (
    SELECT users.id, members.former
    FROM auth.users AS users
    INNER JOIN members ON members.id = users.id
    INNER JOIN auth.bulk_run_users AS known ON known.run_id = sqlc.arg(run_id)::uuid AND known.user_id = users.id
    WHERE
        users.id = ANY(sqlc.arg(ids)::uuid []) AND coalesce(users.auth_provider, 'local') = 'local' AND users.firebase_uid IS NOT NULL
        AND coalesce(users.password_set_at < known.at, true)
    ORDER BY users.id
    FOR NO KEY UPDATE OF users
),
forgotten AS (
    DELETE FROM auth.firebase_passwords AS kept USING held
    WHERE kept.user_id = held.id
)
UPDATE auth.users AS users
SET
    auth_provider = held.former, updated_at = now(),
    password_hash = CASE WHEN held.former = 'firebase' AND users.password_hash = '!' THEN NULL ELSE users.password_hash END
FROM held
WHERE users.id = held.id
RETURNING users.id;

-- name: UsersAtFirebase :many
-- Called by internal/bulk for the users at Firebase that a run has no outcome for, by id. Served by users_pkey and bulk_run_users_pkey.
SELECT users.id
FROM auth.users AS users
WHERE
    (sqlc.narg(after)::uuid IS NULL OR users.id > sqlc.narg(after)::uuid) AND users.auth_provider IN ('firebase', 'hybrid')
    AND users.firebase_uid IS NOT NULL
    AND NOT EXISTS (SELECT FROM auth.bulk_run_users AS done WHERE done.run_id = sqlc.arg(run_id)::uuid AND done.user_id = users.id)
ORDER BY users.id
LIMIT sqlc.arg(page_size)::int;

-- name: PendingReturns :many
-- Called by internal/bulk at the end of a return, for the users that no page has settled, by id. Served by idx_bulk_run_users_outcome and
-- users_pkey.
SELECT
    pending.user_id, pending.code, (users.id IS NULL)::boolean AS deleted,
    coalesce(coalesce(users.auth_provider, 'local') = 'local' AND users.id IS NOT NULL, false)::boolean AS local
FROM auth.bulk_run_users AS pending
LEFT JOIN auth.users AS users ON users.id = pending.user_id
WHERE
    pending.run_id = sqlc.arg(run_id) AND pending.outcome = 'pending'
    AND (sqlc.narg(after)::uuid IS NULL OR pending.user_id > sqlc.narg(after)::uuid)
ORDER BY pending.user_id
LIMIT sqlc.arg(page_size)::int;

-- name: HashConfigs :many
-- Called by internal/rollback for the parameters that a project's hashes may have. The newest of a version counts. Served by
-- firebase_hash_configs_key.
SELECT id, version, signer_key, salt_separator, rounds, memory_cost
FROM auth.firebase_hash_configs
WHERE project = $1
ORDER BY version, first_seen_at;

-- name: MovedUsers :many
-- Called by internal/bulk for the return of a run: users that were deleted since are left out. Served by idx_bulk_run_users_outcome and users_pkey.
SELECT moved.user_id
FROM auth.bulk_run_users AS moved
INNER JOIN auth.users AS users ON users.id = moved.user_id
WHERE moved.run_id = $1 AND moved.outcome = 'moved'
ORDER BY moved.user_id;
