-- Changes at Firebase that are under way: the statements of internal/intent.

-- name: InsertIntent :one
-- Called by internal/intent before Firebase is asked. Served by no index: it is an insert.
INSERT INTO auth.firebase_intents (id, kind, user_id, firebase_uid, password_at, change, actor, request_id)
VALUES (
    sqlc.arg(id), sqlc.arg(kind)::text, sqlc.arg(user_id), sqlc.arg(firebase_uid)::text, sqlc.narg(password_at)::timestamptz,
    sqlc.narg(change)::jsonb, sqlc.arg(actor)::text, sqlc.narg(request_id)::text
)
RETURNING began_at;

-- name: EndIntent :execrows
-- Called by internal/intent with our half of the change, in its transaction, or where Firebase has refused. No row: the change was
-- completed elsewhere. Served by firebase_intents_pkey.
DELETE FROM auth.firebase_intents
WHERE id = $1;

-- name: IntentUnderWay :one
-- Called by internal/intent for the job that completes the change. No row: it is complete. Served by firebase_intents_pkey.
SELECT
    id, kind, user_id, firebase_uid, began_at, password_at, change, actor, request_id,
    extract(EPOCH FROM clock_timestamp() - began_at)::float8 AS age_seconds
FROM auth.firebase_intents
WHERE id = $1;
