-- Keys that the instances share and that no other service knows. An instance makes a missing key at its start; all others read it.
-- A key is not a credential of any person or service: losing one costs a re-reading of rows, or counters that start again.

-- migrate:up
CREATE TABLE auth.service_keys (
    name text PRIMARY KEY,
    key bytea NOT NULL CONSTRAINT service_keys_key_check CHECK (octet_length(key) = 32),
    made_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE auth.service_keys IS 'Random keys that the instances share; the owner deletes a row to have a new one made';
COMMENT ON COLUMN auth.service_keys.name IS 'facts: seals user facts in Redis; limits: hides e-mails and addresses in Redis';

INSERT INTO auth.service_keys (name, key, made_at)
SELECT was.name, was.key, was.made_at
FROM auth.federation_archive AS kept
CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.service_keys, kept.facts) AS was
WHERE kept.relation = 'auth.service_keys';

DELETE FROM auth.federation_archive WHERE relation = 'auth.service_keys';

GRANT SELECT, INSERT ON auth.service_keys TO auth_serving; -- an instance makes a missing key, and never replaces one

-- migrate:down
LOCK TABLE auth.service_keys IN ACCESS EXCLUSIVE MODE;

INSERT INTO auth.federation_archive AS kept (relation, key, facts)
SELECT 'auth.service_keys', name, to_jsonb(gone)
FROM auth.service_keys AS gone
ON CONFLICT (relation, key) DO UPDATE SET facts = excluded.facts, archived_at = excluded.archived_at;

DROP TABLE auth.service_keys;
