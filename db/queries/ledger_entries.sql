-- The ledger: the statements of internal/balance. Nothing here writes an entry: the trigger on auth.users does (024).

-- name: ChangeBalance :one
-- Called by internal/balance, in one round trip: what this caller's key stands for already, or the change, announced to the trigger that
-- enters it. A debit never leads below zero, nothing beyond an integer; a row that owes something may be paid off in parts.
-- No row back: there is no such user, or the balance does not allow it. That the key has come twice at once is decided by
-- idx_ledger_entries_idempotency_key. Who changes it is decided here as well: an admin by the row, a service by its key (a zero uuid and an
-- empty text: neither). Served by idx_ledger_entries_idempotency_key, users_pkey and api_keys_pkey.
WITH operator AS MATERIALIZED (
    SELECT
        (
            sqlc.arg(admin_id)::uuid = '00000000-0000-0000-0000-000000000000'
            OR EXISTS (
                SELECT FROM auth.users AS admins
                WHERE
                    admins.id = sqlc.arg(admin_id)::uuid AND admins.user_type = 'admin' AND coalesce(admins.is_active, true)
                    AND admins.federation_status IS DISTINCT FROM 'disabled'
            )
        )
        AND (
            sqlc.arg(key_id)::text = ''
            OR EXISTS (
                SELECT FROM auth.api_keys AS keys WHERE keys.id = sqlc.arg(key_id)::text AND keys.revoked_at IS NULL
            )
        ) AS operates
),
known AS MATERIALIZED (
    SELECT entries.amount, entries.reason, entries.balance_after
    FROM auth.ledger_entries AS entries
    WHERE
        entries.user_id = sqlc.arg(user_id) AND entries.caller = sqlc.arg(caller)
        AND entries.idempotency_key = sqlc.arg(idempotency_key)::text
        AND EXISTS (SELECT FROM operator WHERE operator.operates)
),
announced AS MATERIALIZED (
    SELECT
        set_config('auth.ledger_entry', jsonb_build_object(
            'user_id', sqlc.arg(user_id)::uuid, 'amount', sqlc.arg(amount)::bigint, 'caller', sqlc.arg(caller)::text,
            'reason', sqlc.arg(reason)::text, 'idempotency_key', sqlc.arg(idempotency_key)::text
        )::text, true) AS entry
),
changed AS (
    UPDATE auth.users AS u
    SET token_balance = coalesce(u.token_balance, 0) + sqlc.arg(amount)::bigint, updated_at = now()
    FROM announced
    WHERE
        u.id = sqlc.arg(user_id) AND NOT EXISTS (SELECT FROM known)
        AND EXISTS (SELECT FROM operator WHERE operator.operates)
        AND coalesce(u.token_balance, 0) + sqlc.arg(amount)::bigint <= 2147483647
        AND (sqlc.arg(amount)::bigint > 0 OR coalesce(u.token_balance, 0) + sqlc.arg(amount)::bigint >= 0)
    RETURNING u.token_balance
)
SELECT
    changed.token_balance::integer AS balance_after, sqlc.arg(amount)::bigint AS amount, sqlc.arg(reason)::text AS reason,
    false AS replayed
FROM changed
UNION ALL
SELECT
    known.balance_after, known.amount, known.reason::text, true
FROM known;

-- name: UnchangedBalance :one
-- Called by internal/balance when ChangeBalance has changed nothing: is there such a user, and has the caller's key been used after
-- all, by a request that was under way at the same time? And may the operator still act?
-- Served by users_pkey, api_keys_pkey and idx_ledger_entries_idempotency_key.
WITH operator AS MATERIALIZED (
    SELECT
        (
            sqlc.arg(admin_id)::uuid = '00000000-0000-0000-0000-000000000000'
            OR EXISTS (
                SELECT FROM auth.users AS admins
                WHERE
                    admins.id = sqlc.arg(admin_id)::uuid AND admins.user_type = 'admin' AND coalesce(admins.is_active, true)
                    AND admins.federation_status IS DISTINCT FROM 'disabled'
            )
        )
        AND (
            sqlc.arg(key_id)::text = ''
            OR EXISTS (
                SELECT FROM auth.api_keys AS keys WHERE keys.id = sqlc.arg(key_id)::text AND keys.revoked_at IS NULL
            )
        ) AS operates
)
SELECT
    entries.amount, entries.reason, entries.balance_after,
    EXISTS (SELECT FROM auth.users AS u WHERE u.id = sqlc.arg(user_id)) AS stands,
    operator.operates::boolean AS operates
FROM operator
LEFT JOIN auth.ledger_entries AS entries
    ON
        entries.user_id = sqlc.arg(user_id) AND entries.caller = sqlc.arg(caller)
        AND entries.idempotency_key = sqlc.arg(idempotency_key)::text;

-- name: LedgerEntries :many
-- Called by internal/balance for a page of a user's entries, or for all of them, the newest first. Served by ledger_entries_pkey.
SELECT
    id, amount, balance_after, kind, caller, reason, idempotency_key, occurred_at
FROM auth.ledger_entries
WHERE user_id = sqlc.arg(user_id) AND id < sqlc.arg(before_id)
ORDER BY id DESC
LIMIT sqlc.arg(most);

-- name: HolderExists :one
-- Called by internal/balance for a user without entries. Served by users_pkey.
SELECT EXISTS (SELECT FROM auth.users WHERE id = $1);
