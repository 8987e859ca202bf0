-- The keys of services and scripts. Of a key only a hash is kept: it has 256 random bits, so that no slow hash is needed.

-- migrate:up
CREATE TABLE auth.api_keys (
    id text PRIMARY KEY,
    name text NOT NULL,
    scope text NOT NULL CONSTRAINT api_keys_scope_check CHECK (scope IN ('admin', 'balance', 'events')),
    hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    last_used_at timestamptz,
    revoked_at timestamptz,
    revoked_by text,
    CONSTRAINT api_keys_revoked_check CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);

COMMENT ON TABLE auth.api_keys IS 'Keys that services and scripts send in X-API-Key';
COMMENT ON COLUMN auth.api_keys.id IS 'The public part of the key: for lists, logs and revoking';
COMMENT ON COLUMN auth.api_keys.hash IS 'SHA-256 of the secret part';
COMMENT ON COLUMN auth.api_keys.last_used_at IS 'Moves once an hour';
COMMENT ON COLUMN auth.audit_events.actor IS
'user:<id>, token:<firebase uid> before there is a row, key:<id> of an API key, cli:<name>, or system';

INSERT INTO auth.api_keys (id, name, scope, hash, created_at, created_by, last_used_at, revoked_at, revoked_by)
SELECT was.id, was.name, was.scope, was.hash, was.created_at, was.created_by, was.last_used_at, was.revoked_at, was.revoked_by
FROM auth.federation_archive AS kept
CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.api_keys, kept.facts) AS was
WHERE kept.relation = 'auth.api_keys';

DELETE FROM auth.federation_archive WHERE relation = 'auth.api_keys';

-- migrate:down
LOCK TABLE auth.api_keys IN ACCESS EXCLUSIVE MODE;

INSERT INTO auth.federation_archive AS kept (relation, key, facts)
SELECT 'auth.api_keys', id, to_jsonb(gone)
FROM auth.api_keys AS gone
ON CONFLICT (relation, key) DO UPDATE SET facts = excluded.facts, archived_at = excluded.archived_at;

DROP TABLE auth.api_keys;

COMMENT ON COLUMN auth.audit_events.actor IS
'user:<id>, token:<firebase uid> before there is a row, cli:<name>, or system';
