-- Passwords that come home from Firebase with a returned user: Firebase's scrypt hashes, and the parameters that each was made with. The next
-- sign-in replaces such a hash by bcrypt in auth.users, unless the password has more than 72 bytes. A row counts only while local_hash equals
-- auth.users.password_hash: a password that is set later, by any service, wins. The signer key is a secret of the Firebase project: without it
-- no hash can be checked.

-- migrate:up
CREATE TABLE auth.firebase_hash_configs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project text NOT NULL,
    version integer NOT NULL,
    algorithm text NOT NULL CONSTRAINT firebase_hash_configs_algorithm_check CHECK (algorithm = 'SCRYPT'),
    signer_key bytea NOT NULL CONSTRAINT firebase_hash_configs_signer_key_check CHECK (length(signer_key) BETWEEN 16 AND 256),
    salt_separator bytea NOT NULL CONSTRAINT firebase_hash_configs_salt_separator_check CHECK (length(salt_separator) <= 64),
    rounds integer NOT NULL CONSTRAINT firebase_hash_configs_rounds_check CHECK (rounds BETWEEN 1 AND 8),
    memory_cost integer NOT NULL CONSTRAINT firebase_hash_configs_memory_cost_check CHECK (memory_cost BETWEEN 1 AND 14),
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT firebase_hash_configs_key UNIQUE (project, version, signer_key, salt_separator, rounds, memory_cost)
);

COMMENT ON TABLE auth.firebase_hash_configs IS 'Parameters of the password hashes that Firebase has exported';
COMMENT ON COLUMN auth.firebase_hash_configs.project IS 'The Firebase project that exported the hashes';
COMMENT ON COLUMN auth.firebase_hash_configs.version IS 'Firebase''s version of these parameters';
COMMENT ON COLUMN auth.firebase_hash_configs.signer_key IS 'A secret: never in a log, an audit event or an answer';

CREATE TABLE auth.firebase_passwords (
    user_id uuid PRIMARY KEY REFERENCES auth.users (id) ON DELETE CASCADE,
    config_id uuid NOT NULL REFERENCES auth.firebase_hash_configs (id),
    hash bytea NOT NULL CONSTRAINT firebase_passwords_hash_check CHECK (length(hash) BETWEEN 16 AND 256),
    salt bytea NOT NULL CONSTRAINT firebase_passwords_salt_check CHECK (length(salt) <= 256),
    local_hash varchar(255) NOT NULL,
    password_set_at timestamptz NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_firebase_passwords_config_id ON auth.firebase_passwords (config_id); -- which parameters are in use, at each sign-in

COMMENT ON TABLE auth.firebase_passwords IS 'Passwords of returned users as Firebase hashed them, until a sign-in replaces the hash or the password is changed';
COMMENT ON COLUMN auth.firebase_passwords.local_hash IS
'auth.users.password_hash at the return; once that is another one, this row counts no more';
COMMENT ON COLUMN auth.firebase_passwords.password_set_at IS 'When the password was set, by Firebase''s clock';

GRANT SELECT, INSERT ON auth.firebase_hash_configs TO auth_serving;
GRANT SELECT, INSERT, UPDATE, DELETE ON auth.firebase_passwords TO auth_serving;
GRANT UPDATE (change) ON auth.firebase_intents TO auth_serving; -- a sign-in that replaces such a hash is no later change

-- migrate:down transaction:false
-- keeps: auth.firebase_hash_configs auth.firebase_passwords
-- The deletion of a user deletes its row here, so the table is not held: hidden at once, archived beside the traffic, then dropped. The
-- next try of a migration that was cut short goes on.
DO $$
DECLARE
    people uuid[];
BEGIN
    PERFORM set_config('lock_timeout', '300ms', false);
    ALTER TABLE IF EXISTS auth.firebase_passwords RENAME TO archived_firebase_passwords;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'auth_serving') THEN
        REVOKE UPDATE (change) ON auth.firebase_intents FROM auth_serving;
    END IF;
    COMMIT;
    IF to_regclass('auth.archived_firebase_passwords') IS NOT NULL THEN
        FOR people IN
            SELECT array_agg(user_id)
            FROM (SELECT user_id, row_number() OVER (ORDER BY user_id) / 1000 AS batch FROM auth.archived_firebase_passwords) AS numbered
            GROUP BY batch
        LOOP
            INSERT INTO auth.federation_archive AS kept (relation, key, facts)
            SELECT 'auth.firebase_passwords', user_id::text, to_jsonb(gone)
            FROM auth.archived_firebase_passwords AS gone
            WHERE user_id = ANY(people)
            ON CONFLICT (relation, key) DO UPDATE SET facts = excluded.facts, archived_at = excluded.archived_at;
            COMMIT;
        END LOOP;
    END IF;
    IF to_regclass('auth.firebase_hash_configs') IS NOT NULL THEN
        INSERT INTO auth.federation_archive AS kept (relation, key, facts)
        SELECT 'auth.firebase_hash_configs', id::text, to_jsonb(gone)
        FROM auth.firebase_hash_configs AS gone
        ON CONFLICT (relation, key) DO UPDATE SET facts = excluded.facts, archived_at = excluded.archived_at;
        COMMIT;
    END IF;
    -- Only the lock on auth.users is still needed: a weak one first, for which autovacuum leaves, then the strong one, in whose queue no
    -- writer waits for longer than 300 ms.
    PERFORM set_config('lock_timeout', '10s', false);
    LOCK TABLE auth.users IN SHARE UPDATE EXCLUSIVE MODE;
    PERFORM set_config('lock_timeout', '300ms', false);
    FOR attempt IN 1..200 LOOP
        BEGIN
            DROP TABLE IF EXISTS auth.archived_firebase_passwords;
            DROP TABLE IF EXISTS auth.firebase_hash_configs;
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.05 + random() / 10);
        END;
    END LOOP;
    RAISE lock_not_available USING MESSAGE = 'auth.users is held by others all the time';
END
$$;
