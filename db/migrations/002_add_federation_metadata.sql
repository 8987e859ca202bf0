-- Says where a person signs in, and how far the row and its Firebase account agree.

-- migrate:up
ALTER TABLE auth.users
    ADD COLUMN auth_provider VARCHAR(20) DEFAULT 'local',
    ADD COLUMN provider_data JSONB,
    ADD COLUMN last_firebase_sync TIMESTAMP,
    ADD COLUMN federation_status VARCHAR(20) DEFAULT 'active';

CREATE INDEX idx_users_auth_provider ON auth.users (auth_provider);
CREATE INDEX idx_users_federation_status ON auth.users (federation_status);

ALTER TABLE auth.users
    ADD CONSTRAINT chk_auth_provider CHECK (auth_provider IN ('local', 'firebase', 'hybrid')),
    ADD CONSTRAINT chk_federation_status CHECK (federation_status IN ('active', 'syncing', 'failed', 'disabled'));

COMMENT ON COLUMN auth.users.auth_provider IS 'Authentication provider: local (old), firebase (new), hybrid (both)';
COMMENT ON COLUMN auth.users.provider_data IS 'Additional provider-specific data (JSON)';
COMMENT ON COLUMN auth.users.last_firebase_sync IS 'Last successful sync with Firebase Auth';
COMMENT ON COLUMN auth.users.federation_status IS 'Federation status: active, syncing, failed, disabled';

-- migrate:down
ALTER TABLE auth.users
    DROP COLUMN IF EXISTS auth_provider,
    DROP COLUMN IF EXISTS provider_data,
    DROP COLUMN IF EXISTS last_firebase_sync,
    DROP COLUMN IF EXISTS federation_status;
DROP INDEX IF EXISTS auth.idx_users_auth_provider;
DROP INDEX IF EXISTS auth.idx_users_federation_status;
