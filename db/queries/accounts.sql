-- Registration, passwords and where people sign in: the statements of internal/account. Only those whose names end in
-- Credentials return a password hash. A sign-in at Firebase stands in users.sql.

-- name: ClaimRegistration :one
-- Called by internal/account: takes the e-mail for a new account before Firebase is asked; the row's id will be the Firebase
-- uid. No row back: the e-mail belongs to somebody. Served by idx_users_canonical_email (the conflict) and users_username_key.
INSERT INTO auth.users (
    id, firebase_uid, auth_provider, email, username, user_type, is_active, token_balance, federation_status, created_at,
    updated_at
)
VALUES (
    sqlc.arg(id)::uuid,
    sqlc.arg(id)::uuid::text,
    'firebase',
    sqlc.arg(email)::varchar,
    CASE
        WHEN EXISTS (SELECT FROM auth.users AS namesake WHERE namesake.username = sqlc.narg(username)::varchar)
            THEN sqlc.narg(other_username)::varchar
        ELSE sqlc.narg(username)::varchar
    END,
    'user', true, 0, 'syncing', now(), now()
)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: JoinRegistration :one
-- Called by internal/account: finds who holds an e-mail that could not be claimed. A registration that nobody has ever used may be
-- gone on with: it is marked (updated_at), so that whoever claimed it does not take it back from under us. What was seen once,
-- or has become something, belongs to somebody. Unfinished and not joined: it was given back in this instant.
-- Served by idx_users_canonical_email and users_pkey.
WITH holder AS (
    SELECT
        id,
        (
            auth_provider = 'firebase' AND federation_status = 'syncing' AND firebase_uid = id::text
            AND last_login IS NULL AND coalesce(token_balance, 0) = 0 AND coalesce(user_type, 'user') = 'user'
            AND coalesce(is_active, true)
        )::boolean AS unfinished
    FROM auth.users
    WHERE auth.canonical_email(email) = sqlc.arg(email)::text
),
joined AS (
    UPDATE auth.users
    SET updated_at = clock_timestamp()
    WHERE id = (SELECT holder.id FROM holder WHERE holder.unfinished)
    RETURNING id
)
SELECT id, unfinished, EXISTS (SELECT FROM joined) AS joined
FROM holder;

-- name: AbandonRegistration :exec
-- Called by internal/account: gives a claimed e-mail back when Firebase refused to make the account, unless somebody has used
-- the row, or gone on with the registration, since it was claimed. Served by users_pkey.
DELETE FROM auth.users
WHERE
    id = $1 AND federation_status = 'syncing' AND firebase_uid = id::text AND updated_at = created_at
    AND last_login IS NULL AND coalesce(token_balance, 0) = 0 AND coalesce(user_type, 'user') = 'user';

-- name: RegisterLocal :one
-- Called by internal/account where new users live here: the whole registration. Nobody has proved the address, and the row says so.
-- No row back: the e-mail belongs to somebody, or the username was taken in this instant. Served by idx_users_canonical_email (the conflict) and users_username_key.
INSERT INTO auth.users (
    id, auth_provider, email, username, password_hash, password_set_at, provider_data, user_type, is_active, token_balance,
    federation_status, created_at, updated_at
)
VALUES (
    sqlc.arg(id)::uuid, 'local', sqlc.arg(email)::varchar,
    CASE
        WHEN EXISTS (SELECT FROM auth.users AS namesake WHERE namesake.username = sqlc.narg(username)::varchar)
            THEN sqlc.narg(other_username)::varchar
        ELSE sqlc.narg(username)::varchar
    END,
    sqlc.arg(password_hash)::varchar, now(), '{"provider": "local", "email_verified": false}', 'user', true, 0, 'active',
    now(), now()
)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: SignInCredentials :one
-- Called by internal/account at each sign-in with a password: where the password lives, what the rollout says of the row, and the
-- highest costs of the hashes in the table, up to the usual one and up to the bound, and of the parameters of Firebase's scrypt that are in use,
-- which a refusal is to cost. id is null where no row has this e-mail, and Firebase decides. Served by idx_users_canonical_email,
-- idx_users_bcrypt_cost, firebase_passwords_pkey and idx_firebase_passwords_config_id; the rollout is one row.
SELECT
    users.id, users.firebase_uid, users.auth_provider, users.password_hash, users.user_type, users.is_active,
    users.federation_status, users.tokens_valid_after, users.legacy_tokens_valid_after,
    rollout.users_buckets, rollout.traffic_buckets, rollout.below_full_traffic,
    coalesce(users.id = ANY(rollout.allow), false)::boolean AS allowed,
    coalesce(users.id = ANY(rollout.deny), false)::boolean AS denied,
    kept.hash AS firebase_hash, kept.salt AS firebase_salt, configs.signer_key, configs.salt_separator, configs.rounds, configs.memory_cost,
    coalesce((
        SELECT max(auth.bcrypt_cost(hashed.password_hash))
        FROM auth.users AS hashed
        WHERE auth.bcrypt_cost(hashed.password_hash) <= sqlc.arg(usual_cost)::smallint
    ), 0)::integer AS usual_ceiling,
    coalesce((
        SELECT max(auth.bcrypt_cost(hashed.password_hash))
        FROM auth.users AS hashed
        WHERE
            auth.bcrypt_cost(hashed.password_hash) > sqlc.arg(usual_cost)::smallint
            AND auth.bcrypt_cost(hashed.password_hash) <= sqlc.arg(max_cost)::smallint
    ), 0)::integer AS heavy_ceiling,
    coalesce((
        SELECT max((1 << known.memory_cost) * known.rounds)
        FROM auth.firebase_hash_configs AS known
        WHERE known.id = (
            SELECT held.config_id FROM auth.firebase_passwords AS held
            WHERE held.config_id >= known.id
            ORDER BY held.config_id
            LIMIT 1
        )
    ), 0)::integer AS scrypt_ceiling
FROM auth.rollout AS rollout
LEFT JOIN auth.users AS users ON auth.canonical_email(users.email) = sqlc.arg(email)::text
LEFT JOIN auth.firebase_passwords AS kept
    ON kept.user_id = users.id AND kept.local_hash = users.password_hash
LEFT JOIN auth.firebase_hash_configs AS configs ON configs.id = kept.config_id;

-- name: UserCredentials :one
-- Called by internal/account where somebody who is signed in proves or changes the password, and by internal/move before it
-- finishes. Served by users_pkey and firebase_passwords_pkey.
SELECT
    users.id, users.firebase_uid, users.auth_provider, users.email, users.password_hash, users.user_type, users.is_active,
    kept.hash AS firebase_hash, kept.salt AS firebase_salt, configs.signer_key, configs.salt_separator, configs.rounds, configs.memory_cost
FROM auth.users AS users
LEFT JOIN auth.firebase_passwords AS kept
    ON kept.user_id = users.id AND kept.local_hash = users.password_hash
LEFT JOIN auth.firebase_hash_configs AS configs ON configs.id = kept.config_id
WHERE users.id = sqlc.arg(id);

-- name: SetLocalPassword :execrows
-- Called by internal/account when somebody whose password lives here changes it: every session that began before is over. The
-- old hash stands in the condition, so that of two changes at once the second must prove the first. Not while a move is under way, which may
-- have given the old one to Firebase. firebase_hash is that of Firebase's scrypt, where it is what was proved. LockUser precedes it in the
-- transaction, and ForgetFirebasePassword follows. Served by users_pkey and firebase_passwords_pkey.
UPDATE auth.users
SET
    password_hash = sqlc.arg(password_hash)::varchar,
    password_set_at = now(),
    tokens_valid_after = greatest(
        tokens_valid_after,
        date_trunc('second', greatest(
            clock_timestamp() + CASE
                WHEN firebase_uid IS NULL THEN sqlc.arg(legacy_lead)::float8 ELSE sqlc.arg(firebase_lead)::float8
            END * interval '1 second',
            sqlc.arg(issued_until)::timestamptz
        )) + interval '1 second'
    ),
    updated_at = now()
WHERE
    id = sqlc.arg(id) AND coalesce(auth_provider, 'local') = 'local' AND federation_status IS DISTINCT FROM 'syncing'
    AND password_hash = sqlc.arg(old_password_hash)::varchar
    AND (
        SELECT kept.hash FROM auth.firebase_passwords AS kept
        WHERE kept.user_id = sqlc.arg(id) AND kept.local_hash = sqlc.arg(old_password_hash)::varchar
    ) IS NOT DISTINCT FROM sqlc.narg(firebase_hash)::bytea;

-- name: FollowFirebasePassword :execrows
-- Called by internal/account when a password was proved at Firebase that the local hash does not fit: the hash follows, so that
-- nobody who comes back does so with an old password. When it was set is dated in Firebase's time, as what it is compared with (A7): by
-- PostgreSQL's clock and how far Firebase's is ahead of it. Served by users_pkey.
UPDATE auth.users
SET password_hash = sqlc.arg(password_hash)::varchar, password_set_at = now() + sqlc.arg(firebase_lead)::float8 * interval '1 second', updated_at = now()
WHERE
    id = sqlc.arg(id) AND auth_provider = 'hybrid' AND password_hash = sqlc.arg(old_password_hash)::varchar;

-- name: PasswordChangedAtFirebase :execrows
-- Called by internal/account after Firebase has taken a new password: a local hash follows it, and every session that began
-- before is over: with ends_at, which Firebase has dated, those that began before it. A returned user gets the new password here, or an unusable
-- hash; ForgetFirebasePassword follows in the transaction. No row: the row is local and has no account at Firebase, or is deleted, and its
-- password stays. Served by users_pkey.
UPDATE auth.users
SET
    password_hash = CASE WHEN password_hash IS NULL THEN NULL ELSE sqlc.arg(password_hash)::varchar END,
    password_set_at = now() + sqlc.arg(firebase_lead)::float8 * interval '1 second',
    tokens_valid_after = greatest(
        tokens_valid_after,
        date_trunc('second', least(
            sqlc.narg(ends_at)::timestamptz,
            greatest(
                clock_timestamp() + CASE
                    WHEN firebase_uid IS NULL THEN sqlc.arg(legacy_lead)::float8 ELSE sqlc.arg(firebase_lead)::float8
                END * interval '1 second',
                sqlc.arg(issued_until)::timestamptz
            )
        )) + interval '1 second'
    ),
    updated_at = now()
WHERE
    id = sqlc.arg(id)
    AND (
        auth_provider IN ('firebase', 'hybrid')
        OR (coalesce(auth_provider, 'local') = 'local' AND firebase_uid IS NOT NULL)
    );

-- name: PasswordTakenByFirebase :exec
-- Called by internal/account when Firebase has been given the password that the local hash is of: the hash is as new as Firebase's
-- (A7). Served by users_pkey.
UPDATE auth.users
SET password_set_at = clock_timestamp() + sqlc.arg(firebase_lead)::float8 * interval '1 second', updated_at = now()
WHERE id = sqlc.arg(id) AND auth_provider = 'hybrid' AND password_hash = sqlc.arg(password_hash)::varchar;
