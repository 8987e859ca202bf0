-- The comparison of all rows with Firebase's accounts: the statements of internal/compare. Nothing is written.

-- name: ProvenRows :many
-- Called by internal/compare a page at a time, in one snapshot: what a move must not change of a row, and the sum of its ledger; then
-- the uid that Firebase must have, and whether it is missing. Of a row that is disabled as its account is gone (S2) no uid is expected.
-- Served by users_pkey and ledger_entries_pkey.
SELECT
    users.id, users.username, users.user_type, users.is_active, users.token_balance,
    coalesce(extract(EPOCH FROM users.created_at)::text, '')::text AS created_at,
    (
        SELECT coalesce(sum(entries.amount), 0)::bigint
        FROM auth.ledger_entries AS entries
        WHERE entries.user_id = users.id
    ) AS ledger,
    coalesce(CASE
        WHEN
            users.auth_provider IN ('firebase', 'hybrid') AND users.federation_status IS DISTINCT FROM 'syncing'
            AND NOT coalesce(users.provider_data @> '{"sync_failure": "account_gone"}', false)
            THEN users.firebase_uid
    END, '')::text AS firebase_uid,
    coalesce(
        users.auth_provider IN ('firebase', 'hybrid') AND users.federation_status IS DISTINCT FROM 'syncing' AND users.firebase_uid IS NULL,
        false
    )::boolean AS without_uid
FROM auth.users AS users
WHERE sqlc.narg(after)::uuid IS NULL OR users.id > sqlc.narg(after)::uuid
ORDER BY users.id
LIMIT sqlc.arg(page)::integer;

-- name: ProvenPlace :one
-- Called by internal/compare in the snapshot of ProvenRows, for the proof of one row. Served by no index: it counts the whole table.
SELECT
    count(*) AS size,
    count(*) FILTER (WHERE id < sqlc.arg(id)) AS place,
    count(*) FILTER (WHERE id = sqlc.arg(id)) AS found
FROM auth.users;

-- name: ComparedRows :many
-- Called by internal/compare with each page of Firebase's list: the rows that have an account of it, by their uid or by their id.
-- Served by idx_users_firebase_uid and users_pkey.
SELECT
    id, coalesce(firebase_uid, '')::text AS firebase_uid, coalesce(auth_provider, 'local')::text AS auth_provider,
    coalesce(federation_status, 'active')::text AS federation_status, email, tokens_valid_after,
    (password_hash IS NOT NULL AND password_hash <> '!')::boolean AS has_password,
    (coalesce(is_active, true) AND federation_status IS DISTINCT FROM 'disabled')::boolean AS admitted,
    (email_proven_at IS NOT NULL)::boolean AS email_proven,
    coalesce(left(provider_data ->> 'email_verified', 5), '')::text AS email_verified,
    coalesce(left(provider_data ->> 'display_name', 4000), '')::text AS display_name,
    coalesce(provider_data @> '{"sync_failure": "account_gone"}', false)::boolean AS account_gone
FROM auth.users
WHERE firebase_uid = ANY(sqlc.arg(firebase_uids)::varchar []) OR id = ANY(sqlc.arg(ids)::uuid []);
