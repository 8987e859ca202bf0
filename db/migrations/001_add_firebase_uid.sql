-- Links a row to its Firebase account. The unique index on it is built later and beside the traffic, as all indexes are.
-- What a step down takes out of the database is kept in auth.federation_archive, and the last migration puts it back; so the
-- archive itself stays when this step is taken down.

-- migrate:up
CREATE TABLE IF NOT EXISTS auth.federation_archive (
    relation text NOT NULL,
    key text NOT NULL,
    facts jsonb NOT NULL,
    archived_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (relation, key)
);

COMMENT ON TABLE auth.federation_archive IS 'What steps down took out of other tables, until a step up puts it back: one row of theirs a row';
COMMENT ON COLUMN auth.federation_archive.facts IS 'The columns that went, by name';

ALTER TABLE auth.users ADD COLUMN IF NOT EXISTS firebase_uid VARCHAR(128);

ALTER TABLE auth.users
    DROP CONSTRAINT IF EXISTS chk_firebase_uid_format,
    ADD CONSTRAINT chk_firebase_uid_format CHECK (firebase_uid IS NULL OR LENGTH(firebase_uid) >= 20) NOT VALID;

COMMENT ON COLUMN auth.users.firebase_uid IS 'Firebase Authentication UID - Links to Firebase Auth user';

-- migrate:down transaction:false
-- keeps: auth.users.firebase_uid
-- Hidden at once, archived beside the traffic, then dropped; cut short, the next try goes on.
DO $$
DECLARE
    people uuid[];
BEGIN
    PERFORM set_config('lock_timeout', '300ms', false);
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'auth.users'::regclass AND attname = 'firebase_uid') THEN
        ALTER TABLE auth.users RENAME COLUMN firebase_uid TO archived_firebase_uid;
        COMMIT;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'auth.users'::regclass AND attname = 'archived_firebase_uid') THEN
        RETURN;
    END IF;
    FOR people IN
        SELECT array_agg(id)
        FROM (
            SELECT id, row_number() OVER (ORDER BY id) / 1000 AS batch
            FROM auth.users
            WHERE archived_firebase_uid IS NOT NULL
        ) AS numbered
        GROUP BY batch
    LOOP
        INSERT INTO auth.federation_archive AS kept (relation, key, facts)
        SELECT 'auth.users', id::text, jsonb_build_object('firebase_uid', archived_firebase_uid)
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
            ALTER TABLE auth.users DROP COLUMN archived_firebase_uid;
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.05 + random() / 10);
        END;
    END LOOP;
    RAISE lock_not_available USING MESSAGE = 'auth.users is held by others all the time';
END
$$;
