-- What is left of a deleted account: enough to know its last tokens for what they are, and nothing about the person.

-- migrate:up
CREATE TABLE auth.tombstones (
    user_id uuid PRIMARY KEY,
    firebase_uid varchar(128),
    deleted_at timestamptz NOT NULL
);

CREATE INDEX idx_tombstones_firebase_uid ON auth.tombstones (firebase_uid, deleted_at);

COMMENT ON TABLE auth.tombstones IS 'Deleted accounts: a token whose session began before deleted_at is revoked';

-- migrate:down
LOCK TABLE auth.tombstones IN ACCESS EXCLUSIVE MODE;

INSERT INTO auth.federation_archive AS kept (relation, key, facts)
SELECT 'auth.tombstones', user_id::text, to_jsonb(gone)
FROM auth.tombstones AS gone
ON CONFLICT (relation, key) DO UPDATE SET facts = excluded.facts, archived_at = excluded.archived_at;

DROP TABLE auth.tombstones;
