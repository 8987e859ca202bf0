-- The ledger: the statements of internal/balance. Nothing here writes an entry: the trigger on auth.users does (024).

-- name: ChangeBalance :one
-- Called by internal/balance, in one round trip: what this caller's key stands for already, or the change, announced to the trigger that
-- enters it. A debit never leads below zero, nothing beyond an integer; a row that owes something may be paid off in parts.
-- No row back: there is no such user, or the balance does not allow it. That the key has come twice at once is decided by
-- idx_ledger_entries_idempotency_key. Served by idx_ledger_entries_idempotency_key and users_pkey.
WITH known AS MATERIALIZED (
    SELECT entries.amount, entries.reason, entries.balance_after
    FROM auth.ledger_entries AS entries
    WHERE
        entries.user_id = sqlc.arg(user_id) AND entries.caller = sqlc.arg(caller)
        AND entries.idempotency_key = sqlc.arg(idempotency_key)::text
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
-- all, by a request that was under way at the same time? Served by users_pkey and idx_ledger_entries_idempotency_key.
SELECT
    entries.amount, entries.reason, entries.balance_after,
    EXISTS (SELECT FROM auth.users AS u WHERE u.id = sqlc.arg(user_id)) AS stands
FROM (SELECT 1) AS one
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
