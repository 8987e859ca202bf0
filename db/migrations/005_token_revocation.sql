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
ALTER TABLE auth.users
    DROP COLUMN tokens_valid_after,
    DROP COLUMN legacy_tokens_valid_after;
