-- When a local password was set, so that of two passwords (here and at Firebase) the newer one counts. NULL: before anybody noted it.

-- migrate:up
ALTER TABLE auth.users ADD COLUMN password_set_at timestamptz;

COMMENT ON COLUMN auth.users.password_set_at IS 'When password_hash was set through this service; NULL for older ones';

-- migrate:down transaction:false
-- keeps: auth.users.password_set_at
-- Hidden at once, archived beside the traffic, then dropped; cut short, the next try goes on.
DO $$
DECLARE
    people uuid[];
BEGIN
    PERFORM set_config('lock_timeout', '300ms', false);
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'auth.users'::regclass AND attname = 'password_set_at') THEN
        ALTER TABLE auth.users RENAME COLUMN password_set_at TO archived_password_set_at;
        COMMIT;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'auth.users'::regclass AND attname = 'archived_password_set_at') THEN
        RETURN;
    END IF;
    FOR people IN
        SELECT array_agg(id)
        FROM (
            SELECT id, row_number() OVER (ORDER BY id) / 1000 AS batch
            FROM auth.users
            WHERE archived_password_set_at IS NOT NULL
        ) AS numbered
        GROUP BY batch
    LOOP
        INSERT INTO auth.federation_archive AS kept (relation, key, facts)
        SELECT 'auth.users', id::text, jsonb_build_object('password_set_at', archived_password_set_at)
        FROM auth.users
        WHERE id = ANY(people)
        ON CONFLICT (relation, key) DO UPDATE SET facts = kept.facts || excluded.facts, archived_at = excluded.archived_at;
        COMMIT;
    END LOOP;
    -- All is archived, and only the lock is still to be had: a weak one first, for which autovacuum leaves, then the strong one,
    -- in whose queue nobody waits for longer than 300 ms.
    PERFORM set_config('lock_timeout', '10s', false);
    LOCK TABLE auth.users IN SHARE UPDATE EXCLUSIVE MODE;
    PERFORM set_config('lock_timeout', '300ms', false);
    FOR attempt IN 1..200 LOOP
        BEGIN
            ALTER TABLE auth.users DROP COLUMN archived_password_set_at;
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.05 + random() / 10);
        END;
    END LOOP;
    RAISE lock_not_available USING MESSAGE = 'auth.users is held by others all the time';
END
$$;
