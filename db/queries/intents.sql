-- Changes at Firebase that are under way: the statements of internal/intent.

-- name: InsertIntent :one
-- Called by internal/intent before Firebase is asked. An intent about a password notes when the row's was last set, for EndPasswordIntent. The
-- row is locked, so that RedatePasswordIntents sees every note of before.
-- Served by users_pkey.
INSERT INTO auth.firebase_intents (id, kind, user_id, firebase_uid, password_at, change, actor, request_id)
VALUES (
    sqlc.arg(id), sqlc.arg(kind)::text, sqlc.arg(user_id), sqlc.arg(firebase_uid)::text, sqlc.narg(password_at)::timestamptz,
    coalesce(
        sqlc.narg(change)::jsonb,
        (
            SELECT jsonb_build_object('password_set_at', users.password_set_at) FROM auth.users AS users
            WHERE users.id = sqlc.arg(user_id)
            FOR NO KEY UPDATE OF users
        )
    ),
    sqlc.arg(actor)::text, sqlc.narg(request_id)::text
)
RETURNING began_at;

-- name: EndIntent :execrows
-- Called by internal/intent with our half of the change, in its transaction, or where Firebase has refused. No row: the change was
-- completed elsewhere. Served by firebase_intents_pkey.
DELETE FROM auth.firebase_intents
WHERE id = $1;

-- name: EndOtherChanges :exec
-- Called by internal/intent with our half of an operator's change, in its transaction: earlier ones of this row, which their operators were
-- told have not been made, are not completed by it. Served by no index: what is under way are a few rows.
DELETE FROM auth.firebase_intents
WHERE user_id = sqlc.arg(user_id) AND kind = 'change' AND id <> sqlc.arg(id);

-- name: EndPasswordIntent :one
-- Called by internal/intent for the job that completes a password. set_since: the row's password was set by another request since the
-- intent began, which has made our half of a later change. No row: the change was completed elsewhere. Served by firebase_intents_pkey
-- and users_pkey.
DELETE FROM auth.firebase_intents AS intents
WHERE intents.id = $1
RETURNING (
    intents.change IS NOT NULL
    AND intents.change ->> 'password_set_at' IS DISTINCT FROM (
        SELECT to_jsonb(users.password_set_at) #>> '{}' FROM auth.users AS users WHERE users.id = intents.user_id
    )
)::boolean AS set_since;

-- name: RedatePasswordIntents :exec
-- Called by internal/intent where the row's time of its password is corrected, and the password is the same: EndPasswordIntent takes it for no
-- later change. Served by no index: what is under way are a few rows.
UPDATE auth.firebase_intents
SET change = change || jsonb_build_object('password_set_at', sqlc.arg(set_at)::timestamptz)
WHERE
    user_id = sqlc.arg(user_id) AND change ? 'password_set_at'
    AND change ->> 'password_set_at' IS NOT DISTINCT FROM to_jsonb(sqlc.narg(former_set_at)::timestamptz) #>> '{}';

-- name: IntentUnderWay :one
-- Called by internal/intent for the job that completes the change. No row: it is complete. Served by firebase_intents_pkey.
SELECT
    id, kind, user_id, firebase_uid, began_at, password_at, change, actor, request_id,
    extract(EPOCH FROM clock_timestamp() - began_at)::float8 AS age_seconds
FROM auth.firebase_intents
WHERE id = $1;
