-- Changes at Firebase that are under way: each row is written before Firebase is asked, and goes with our half of the change. What a
-- crash or an outage leaves here is completed by a job. No row holds a password, a hash, a code or a token.

-- migrate:up
CREATE TABLE auth.firebase_intents (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    user_id uuid NOT NULL,
    firebase_uid text NOT NULL,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    password_at timestamptz,
    change jsonb,
    actor text NOT NULL,
    request_id text
);

COMMENT ON TABLE auth.firebase_intents IS 'Changes at Firebase whose half in this database is still to be made';
COMMENT ON COLUMN auth.firebase_intents.user_id IS 'The row that the change is about, which may be deleted by then';
COMMENT ON COLUMN auth.firebase_intents.password_at IS
'When the password was last set before the change, by the clock of the side that holds it; NULL: never';
COMMENT ON COLUMN auth.firebase_intents.change IS 'What an operator changes besides: names and addresses, never a secret';

INSERT INTO auth.firebase_intents (id, kind, user_id, firebase_uid, began_at, password_at, change, actor, request_id)
SELECT was.id, was.kind, was.user_id, was.firebase_uid, was.began_at, was.password_at, was.change, was.actor, was.request_id
FROM auth.federation_archive AS kept
CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.firebase_intents, kept.facts) AS was
WHERE kept.relation = 'auth.firebase_intents';

DELETE FROM auth.federation_archive WHERE relation = 'auth.firebase_intents';

GRANT SELECT, INSERT, DELETE ON auth.firebase_intents TO auth_serving;

-- migrate:down
LOCK TABLE auth.firebase_intents IN ACCESS EXCLUSIVE MODE;

INSERT INTO auth.federation_archive AS kept (relation, key, facts)
SELECT 'auth.firebase_intents', id::text, to_jsonb(gone)
FROM auth.firebase_intents AS gone
ON CONFLICT (relation, key) DO UPDATE SET facts = excluded.facts, archived_at = excluded.archived_at;

DROP TABLE auth.firebase_intents;
