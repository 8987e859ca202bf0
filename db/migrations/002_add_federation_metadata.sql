-- Says where a person signs in, and how far the row and its Firebase account agree.

-- migrate:up
ALTER TABLE auth.users
    ADD COLUMN IF NOT EXISTS auth_provider VARCHAR(20) DEFAULT 'local',
    ADD COLUMN IF NOT EXISTS provider_data JSONB,
    ADD COLUMN IF NOT EXISTS last_firebase_sync TIMESTAMP,
    ADD COLUMN IF NOT EXISTS federation_status VARCHAR(20) DEFAULT 'active';

ALTER TABLE auth.users
    DROP CONSTRAINT IF EXISTS chk_auth_provider,
    DROP CONSTRAINT IF EXISTS chk_federation_status,
    ADD CONSTRAINT chk_auth_provider CHECK (auth_provider IN ('local', 'firebase', 'hybrid')) NOT VALID,
    ADD CONSTRAINT chk_federation_status CHECK (federation_status IN ('active', 'syncing', 'failed', 'disabled')) NOT VALID;

COMMENT ON COLUMN auth.users.auth_provider IS 'Authentication provider: local (old), firebase (new), hybrid (both)';
COMMENT ON COLUMN auth.users.provider_data IS 'Additional provider-specific data (JSON)';
COMMENT ON COLUMN auth.users.last_firebase_sync IS 'Last successful sync with Firebase Auth';
COMMENT ON COLUMN auth.users.federation_status IS 'Federation status: active, syncing, failed, disabled';

-- migrate:down transaction:false
-- keeps: auth.users.auth_provider auth.users.provider_data auth.users.last_firebase_sync auth.users.federation_status
-- Hidden at once, archived beside the traffic, then dropped; cut short, the next try goes on.
DO $$
DECLARE
    people uuid[];
BEGIN
    PERFORM set_config('lock_timeout', '300ms', false);
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'auth.users'::regclass AND attname = 'auth_provider') THEN
        ALTER TABLE auth.users RENAME COLUMN auth_provider TO archived_auth_provider;
        ALTER TABLE auth.users RENAME COLUMN provider_data TO archived_provider_data;
        ALTER TABLE auth.users RENAME COLUMN last_firebase_sync TO archived_last_firebase_sync;
        ALTER TABLE auth.users RENAME COLUMN federation_status TO archived_federation_status;
        COMMIT;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'auth.users'::regclass AND attname = 'archived_auth_provider') THEN
        RETURN;
    END IF;
    FOR people IN
        SELECT array_agg(id)
        FROM (
            SELECT id, row_number() OVER (ORDER BY id) / 1000 AS batch
            FROM auth.users
            WHERE archived_auth_provider IS DISTINCT FROM 'local' OR archived_federation_status IS DISTINCT FROM 'active'
                OR archived_provider_data IS NOT NULL OR archived_last_firebase_sync IS NOT NULL
        ) AS numbered
        GROUP BY batch
    LOOP
        INSERT INTO auth.federation_archive AS kept (relation, key, facts)
        SELECT 'auth.users', id::text, jsonb_build_object(
            'auth_provider', archived_auth_provider, 'provider_data', archived_provider_data,
            'last_firebase_sync', archived_last_firebase_sync, 'federation_status', archived_federation_status)
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
                DROP COLUMN archived_auth_provider,
                DROP COLUMN archived_provider_data,
                DROP COLUMN archived_last_firebase_sync,
                DROP COLUMN archived_federation_status;
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            PERFORM pg_sleep(0.05 + random() / 10);
        END;
    END LOOP;
    RAISE lock_not_available USING MESSAGE = 'auth.users is held by others all the time';
END
$$;
