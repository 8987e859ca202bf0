-- Revocation without a call to Firebase: a token is revoked when its session began before these instants.

-- migrate:up
ALTER TABLE auth.users
    ADD COLUMN tokens_valid_after timestamptz,
    ADD COLUMN legacy_tokens_valid_after timestamptz;

COMMENT ON COLUMN auth.users.tokens_valid_after IS
'Sessions of either kind that began before this instant are revoked (logout, password change, deactivation)';
COMMENT ON COLUMN auth.users.legacy_tokens_valid_after IS
'Legacy sessions that began before this instant are revoked (linking an address that was never verified)';

-- migrate:down
LOCK TABLE auth.users IN ACCESS EXCLUSIVE MODE;

INSERT INTO auth.federation_archive AS kept (relation, key, facts)
SELECT 'auth.users', id::text, jsonb_build_object(
    'tokens_valid_after', tokens_valid_after, 'legacy_tokens_valid_after', legacy_tokens_valid_after)
FROM auth.users
WHERE tokens_valid_after IS NOT NULL OR legacy_tokens_valid_after IS NOT NULL
ON CONFLICT (relation, key) DO UPDATE SET facts = kept.facts || excluded.facts, archived_at = excluded.archived_at;

ALTER TABLE auth.users
    DROP COLUMN tokens_valid_after,
    DROP COLUMN legacy_tokens_valid_after;
