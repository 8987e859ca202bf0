-- Holds old rows to the checks that new rows have been held to since 001 to 003. It reads the table beside the traffic: this
-- lock (SHARE UPDATE EXCLUSIVE) stops no reader and no writer.

-- migrate:up
ALTER TABLE auth.users VALIDATE CONSTRAINT chk_firebase_uid_format;
ALTER TABLE auth.users VALIDATE CONSTRAINT chk_auth_provider;
ALTER TABLE auth.users VALIDATE CONSTRAINT chk_federation_status;
ALTER TABLE auth.users VALIDATE CONSTRAINT chk_password_hash_required;

-- migrate:down
ALTER TABLE auth.users
    DROP CONSTRAINT chk_firebase_uid_format,
    DROP CONSTRAINT chk_auth_provider,
    DROP CONSTRAINT chk_federation_status,
    DROP CONSTRAINT chk_password_hash_required;
ALTER TABLE auth.users
    ADD CONSTRAINT chk_firebase_uid_format CHECK (firebase_uid IS NULL OR LENGTH(firebase_uid) >= 20) NOT VALID,
    ADD CONSTRAINT chk_auth_provider CHECK (auth_provider IN ('local', 'firebase', 'hybrid')) NOT VALID,
    ADD CONSTRAINT chk_federation_status CHECK (federation_status IN ('active', 'syncing', 'failed', 'disabled')) NOT VALID,
    ADD CONSTRAINT chk_password_hash_required CHECK (
        (auth_provider = 'local' AND password_hash IS NOT NULL) OR (auth_provider != 'local')
    ) NOT VALID;
