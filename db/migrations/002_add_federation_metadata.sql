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

-- migrate:down
LOCK TABLE auth.users IN ACCESS EXCLUSIVE MODE;

INSERT INTO auth.federation_archive AS kept (relation, key, facts)
SELECT 'auth.users', id::text, jsonb_build_object(
    'auth_provider', auth_provider, 'provider_data', provider_data,
    'last_firebase_sync', last_firebase_sync, 'federation_status', federation_status)
FROM auth.users
WHERE auth_provider IS DISTINCT FROM 'local' OR federation_status IS DISTINCT FROM 'active'
    OR provider_data IS NOT NULL OR last_firebase_sync IS NOT NULL
ON CONFLICT (relation, key) DO UPDATE SET facts = kept.facts || excluded.facts, archived_at = excluded.archived_at;

ALTER TABLE auth.users
    DROP COLUMN auth_provider,
    DROP COLUMN provider_data,
    DROP COLUMN last_firebase_sync,
    DROP COLUMN federation_status;
