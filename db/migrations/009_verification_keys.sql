-- The last good set of the issuer's public keys, so that a restart during the key server's outage still verifies.

-- migrate:up
CREATE TABLE auth.verification_keys (
    source text PRIMARY KEY,
    keys jsonb NOT NULL,
    fetched_at timestamptz NOT NULL,
    fresh_until timestamptz NOT NULL
);

COMMENT ON TABLE auth.verification_keys IS 'Last good public keys by source URL; used for at most 24 hours after fetched_at';

-- migrate:down
LOCK TABLE auth.verification_keys IN ACCESS EXCLUSIVE MODE;

INSERT INTO auth.federation_archive AS kept (relation, key, facts)
SELECT 'auth.verification_keys', source, to_jsonb(gone)
FROM auth.verification_keys AS gone
ON CONFLICT (relation, key) DO UPDATE SET facts = excluded.facts, archived_at = excluded.archived_at;

DROP TABLE auth.verification_keys;
