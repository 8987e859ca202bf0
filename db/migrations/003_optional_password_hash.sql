-- People at Firebase have no password here.

-- migrate:up
ALTER TABLE auth.users ALTER COLUMN password_hash DROP NOT NULL;

ALTER TABLE auth.users
    DROP CONSTRAINT IF EXISTS chk_password_hash_required,
    ADD CONSTRAINT chk_password_hash_required CHECK (
        (auth_provider = 'local' AND password_hash IS NOT NULL) OR (auth_provider != 'local')
    ) NOT VALID;

COMMENT ON COLUMN auth.users.password_hash IS
'Password hash (bcrypt) - Required for local auth, NULL for Firebase users';

-- migrate:down transaction:false
-- keeps: auth.users.password_hash
-- Whoever has no password here keeps the row, with a hash that no password fits ('!', as in shadow(5)): the platform's other
-- services go on finding the person, and the step up takes the mark away again. The mark is set beside the traffic, first while
-- rows without a password may still come, then, once a check is there, on the few that came meanwhile. Proven by the check,
-- NOT NULL reads no row again. Cut short, the next try goes on.
DO $$
DECLARE
    people uuid[];
BEGIN
    PERFORM set_config('lock_timeout', '300ms', false);
    FOR pass IN 1..2 LOOP
        FOR people IN
            SELECT array_agg(id)
            FROM (
                SELECT id, row_number() OVER (ORDER BY id) / 1000 AS batch
                FROM auth.users
                WHERE password_hash IS NULL
            ) AS numbered
            GROUP BY batch
        LOOP
            WITH marked AS (
                UPDATE auth.users SET password_hash = '!' WHERE id = ANY(people) AND password_hash IS NULL RETURNING id
            )
            INSERT INTO auth.federation_archive AS kept (relation, key, facts)
            SELECT 'auth.users', id::text, jsonb_build_object('password_hash', NULL)
            FROM marked
            ON CONFLICT (relation, key) DO UPDATE SET facts = kept.facts || excluded.facts, archived_at = excluded.archived_at;
            COMMIT;
        END LOOP;
        CONTINUE WHEN EXISTS (
            SELECT FROM pg_constraint WHERE conrelid = 'auth.users'::regclass AND conname = 'chk_password_hash_marked');
        ALTER TABLE auth.users
            DROP CONSTRAINT IF EXISTS chk_password_hash_required,
            ADD CONSTRAINT chk_password_hash_marked CHECK (password_hash IS NOT NULL) NOT VALID;
        COMMIT;
    END LOOP;
    PERFORM set_config('lock_timeout', '10s', false);
    ALTER TABLE auth.users VALIDATE CONSTRAINT chk_password_hash_marked;
    COMMIT;
    -- All is archived, and only the lock is still to be had: a weak one first, for which autovacuum leaves, then the strong one,
    -- in whose queue nobody waits for longer than 300 ms.
    PERFORM set_config('lock_timeout', '10s', false);
    LOCK TABLE auth.users IN SHARE UPDATE EXCLUSIVE MODE;
    PERFORM set_config('lock_timeout', '300ms', false);
    FOR attempt IN 1..200 LOOP
        BEGIN
            ALTER TABLE auth.users ALTER COLUMN password_hash SET NOT NULL;
            ALTER TABLE auth.users DROP CONSTRAINT chk_password_hash_marked;
            COMMENT ON COLUMN auth.users.password_hash IS NULL;
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.05 + random() / 10);
        END;
    END LOOP;
    RAISE lock_not_available USING MESSAGE = 'auth.users is held by others all the time';
END
$$;
