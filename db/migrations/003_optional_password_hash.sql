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

-- migrate:down
-- Whoever has no password here keeps the row, with a hash that no password fits ('!', as in shadow(5)): the platform's other
-- services go on finding the person, and the step up takes the mark away again.
LOCK TABLE auth.users IN ACCESS EXCLUSIVE MODE;

INSERT INTO auth.federation_archive AS kept (relation, key, facts)
SELECT 'auth.users', id::text, jsonb_build_object('password_hash', NULL)
FROM auth.users
WHERE password_hash IS NULL
ON CONFLICT (relation, key) DO UPDATE SET facts = kept.facts || excluded.facts, archived_at = excluded.archived_at;

UPDATE auth.users SET password_hash = '!' WHERE password_hash IS NULL;

ALTER TABLE auth.users DROP CONSTRAINT chk_password_hash_required;
ALTER TABLE auth.users ALTER COLUMN password_hash SET NOT NULL;
COMMENT ON COLUMN auth.users.password_hash IS NULL;
