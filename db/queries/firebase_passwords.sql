-- Passwords that come home from Firebase (M7): the statements of internal/user for returned users, and of internal/account for the sign-in
-- after it. Only those whose names end in Credentials return a password hash, and none of them is here.

-- name: MakeHashConfig :exec
-- Called by internal/user before a return keeps hashes; FirebaseHashConfig answers its id. Served by firebase_hash_configs_key (the conflict).
INSERT INTO auth.firebase_hash_configs (project, version, algorithm, signer_key, salt_separator, rounds, memory_cost)
VALUES (
    sqlc.arg(project)::text, sqlc.arg(version)::integer, 'SCRYPT', sqlc.arg(signer_key)::bytea, sqlc.arg(salt_separator)::bytea,
    sqlc.arg(rounds)::integer, sqlc.arg(memory_cost)::integer
)
ON CONFLICT DO NOTHING;

-- name: FirebaseHashConfig :one
-- Called by internal/user after MakeHashConfig. Served by firebase_hash_configs_key.
SELECT id
FROM auth.firebase_hash_configs
WHERE
    project = sqlc.arg(project)::text AND version = sqlc.arg(version)::integer AND signer_key = sqlc.arg(signer_key)::bytea
    AND salt_separator = sqlc.arg(salt_separator)::bytea AND rounds = sqlc.arg(rounds)::integer AND memory_cost = sqlc.arg(memory_cost)::integer;

-- name: KeepFirebasePasswords :many
-- Called by internal/user for a batch of returned users, after the statement that made their rows local. A local password that is as new as
-- Firebase's, or newer, stays (A7). A password from before the row's was set aside stays out of use (F3); so does one that was read before the
-- row's became unusable. The hash of a former password becomes unusable, so that no service accepts it. Answers the ids whose password is
-- Firebase's by now. The rows are locked in the order of their ids.
-- Served by users_pkey, set_aside_passwords_pkey and firebase_passwords_pkey (the conflict).
WITH brought AS (
    SELECT
        unnest(sqlc.arg(user_ids)::uuid []) AS user_id, unnest(sqlc.arg(hashes)::bytea []) AS hash, unnest(sqlc.arg(salts)::bytea []) AS salt,
        unnest(sqlc.arg(password_set_ats)::timestamptz []) AS password_set_at, unnest(sqlc.arg(read_ats)::timestamptz []) AS read_at
),
held AS (
    SELECT users.id, users.password_hash, users.password_set_at
    FROM auth.users AS users
    WHERE
        users.id = ANY(sqlc.arg(user_ids)::uuid []) AND coalesce(users.auth_provider, 'local') = 'local'
        AND users.federation_status IS DISTINCT FROM 'syncing' AND users.password_hash IS NOT NULL
    ORDER BY users.id
    FOR NO KEY UPDATE OF users
),
taken AS (
    SELECT brought.user_id, brought.hash, brought.salt, brought.password_set_at
    FROM brought
    INNER JOIN held ON held.id = brought.user_id
    WHERE
        coalesce(held.password_set_at < CASE held.password_hash WHEN '!' THEN brought.read_at ELSE brought.password_set_at END, true)
        AND NOT EXISTS (
            SELECT FROM auth.set_aside_passwords AS aside WHERE aside.user_id = held.id AND aside.set_aside_at >= brought.password_set_at
        )
),
replaced AS (
    UPDATE auth.users AS users
    SET password_hash = '!'
    FROM taken
    WHERE users.id = taken.user_id
)
INSERT INTO auth.firebase_passwords AS kept (user_id, config_id, hash, salt, local_hash, password_set_at)
SELECT taken.user_id, sqlc.arg(config_id)::uuid, taken.hash, taken.salt, '!', taken.password_set_at
FROM taken
ON CONFLICT (user_id) DO UPDATE
SET
    config_id = excluded.config_id, hash = excluded.hash, salt = excluded.salt, local_hash = excluded.local_hash,
    password_set_at = excluded.password_set_at, taken_at = excluded.taken_at
RETURNING kept.user_id;

-- name: RehashFirebasePassword :one
-- Called by internal/account at the first sign-in after a return, in the transaction of LockUser: the proved password becomes bcrypt's. It is
-- as old as it was at Firebase (A7). RedatePasswordIntents and ForgetFirebasePassword follow in the transaction. No row: the password was
-- changed, or replaced by another sign-in, meanwhile. Served by users_pkey and firebase_passwords_pkey.
UPDATE auth.users AS users
SET password_hash = sqlc.arg(password_hash)::varchar, password_set_at = kept.password_set_at, updated_at = now()
FROM auth.firebase_passwords AS kept, auth.users AS former
WHERE
    users.id = sqlc.arg(id) AND former.id = users.id AND kept.user_id = users.id AND coalesce(users.auth_provider, 'local') = 'local'
    AND users.password_hash = sqlc.arg(old_password_hash)::varchar AND kept.local_hash = sqlc.arg(old_password_hash)::varchar
    AND kept.hash = sqlc.arg(firebase_hash)::bytea AND kept.salt = sqlc.arg(firebase_salt)::bytea
RETURNING former.password_set_at AS former_set_at, kept.password_set_at AS set_at;

-- name: ForgetFirebasePassword :exec
-- Called by internal/account after a new local password, and by internal/user where a local password is set aside, in their transactions and
-- after a statement that locks the user's row: only then does it see what another transaction has kept. Served by firebase_passwords_pkey.
DELETE FROM auth.firebase_passwords
WHERE user_id = $1;
