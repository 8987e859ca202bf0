-- What we owe Firebase, and reconciling with it: the statements of internal/sync. River's own come with River.

-- name: OwedState :one
-- Called by internal/sync before Firebase is asked, and again under the row's lock before the job ends: what Firebase is to follow.
-- No row: nobody is there any more. Served by users_pkey.
SELECT
    firebase_uid, auth_provider, federation_status, tokens_valid_after,
    (coalesce(is_active, true) AND federation_status IS DISTINCT FROM 'disabled')::boolean AS admitted,
    coalesce(provider_data @> '{"enabling": true}', false)::boolean AS reactivated
FROM auth.users
WHERE id = $1;

-- name: LockUser :exec
-- Called by internal/sync in the transaction that ends a job: whoever changes the row has committed, and its change is read by the next
-- statement; or waits, and finds the job done. Served by users_pkey.
SELECT FROM auth.users
WHERE id = $1
FOR NO KEY UPDATE;

-- name: EnabledAtFirebase :exec
-- Called by internal/sync in the transaction that ends a job: what an operator asked for with a reactivation is done.
-- Served by users_pkey.
UPDATE auth.users
SET provider_data = provider_data - 'enabling', updated_at = clock_timestamp()
WHERE id = $1 AND provider_data ? 'enabling';
