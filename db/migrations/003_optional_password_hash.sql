-- People at Firebase have no password here.

-- migrate:up
ALTER TABLE auth.users ALTER COLUMN password_hash DROP NOT NULL;

ALTER TABLE auth.users
    ADD CONSTRAINT chk_password_hash_required CHECK (
        (auth_provider = 'local' AND password_hash IS NOT NULL) OR (auth_provider != 'local')
    );

COMMENT ON COLUMN auth.users.password_hash IS
'Password hash (bcrypt) - Required for local auth, NULL for Firebase users';

-- migrate:down
-- Fails, and changes nothing, while somebody has no password here: such a row could never sign in again.
ALTER TABLE auth.users DROP CONSTRAINT IF EXISTS chk_password_hash_required;
ALTER TABLE auth.users ALTER COLUMN password_hash SET NOT NULL;
COMMENT ON COLUMN auth.users.password_hash IS NULL;
