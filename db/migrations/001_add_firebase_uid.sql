-- Links a row to its Firebase account.
-- The index is the uniqueness: the plan's UNIQUE column and its idx_users_firebase_uid are one object here, since two
-- indexes on one look-up would only cost writes.

-- migrate:up
ALTER TABLE auth.users ADD COLUMN firebase_uid VARCHAR(128);

CREATE UNIQUE INDEX idx_users_firebase_uid ON auth.users (firebase_uid);

ALTER TABLE auth.users
    ADD CONSTRAINT chk_firebase_uid_format CHECK (firebase_uid IS NULL OR LENGTH(firebase_uid) >= 20);

COMMENT ON COLUMN auth.users.firebase_uid IS 'Firebase Authentication UID - Links to Firebase Auth user';

-- migrate:down
ALTER TABLE auth.users DROP COLUMN IF EXISTS firebase_uid;
DROP INDEX IF EXISTS auth.idx_users_firebase_uid;
