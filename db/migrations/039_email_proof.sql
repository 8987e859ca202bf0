-- When, and by which provider, the address of a row was first proven. NULL: nobody has proven it. The first proof ends the sessions from
-- before it: they may belong to a person who registered another person's address.

-- migrate:up
ALTER TABLE auth.users
    ADD COLUMN email_proven_at timestamptz,
    ADD COLUMN email_proven_by text;

COMMENT ON COLUMN auth.users.email_proven_at IS
'When the sign-in began that first proved the address of this row; NULL for an address that nobody has proven';
COMMENT ON COLUMN auth.users.email_proven_by IS
'The sign_in_provider of that sign-in; NULL where the platform vouches for the address, or where the proof is older than this column';

-- migrate:down transaction:false
-- keeps: auth.users.email_proven_at auth.users.email_proven_by
-- Hidden at once, archived beside the traffic, then dropped; cut short, the next try goes on.
DO $$
DECLARE
    people uuid[];
BEGIN
    PERFORM set_config('lock_timeout', '300ms', false);
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'auth.users'::regclass AND attname = 'email_proven_at') THEN
        ALTER TABLE auth.users RENAME COLUMN email_proven_at TO archived_email_proven_at;
        ALTER TABLE auth.users RENAME COLUMN email_proven_by TO archived_email_proven_by;
        COMMIT;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'auth.users'::regclass AND attname = 'archived_email_proven_at') THEN
        RETURN;
    END IF;
    FOR people IN
        SELECT array_agg(id)
        FROM (
            SELECT id, row_number() OVER (ORDER BY id) / 1000 AS batch
            FROM auth.users
            WHERE archived_email_proven_at IS NOT NULL
        ) AS numbered
        GROUP BY batch
    LOOP
        INSERT INTO auth.federation_archive AS kept (relation, key, facts)
        SELECT 'auth.users', id::text,
            jsonb_build_object('email_proven_at', archived_email_proven_at, 'email_proven_by', archived_email_proven_by)
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
            ALTER TABLE auth.users
                DROP COLUMN archived_email_proven_at,
                DROP COLUMN archived_email_proven_by;
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.05 + random() / 10);
        END;
    END LOOP;
    RAISE lock_not_available USING MESSAGE = 'auth.users is held by others all the time';
END
$$;
