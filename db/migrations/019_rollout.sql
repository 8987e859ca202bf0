-- What share of the users is moved to Firebase when they sign in, and what share of the platform's traffic comes here. One row.

-- migrate:up
CREATE TABLE auth.rollout (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    users_buckets integer NOT NULL DEFAULT 0 CHECK (users_buckets BETWEEN 0 AND 10000),
    traffic_buckets integer NOT NULL DEFAULT 0 CHECK (traffic_buckets BETWEEN 0 AND 10000),
    new_users text NOT NULL DEFAULT 'firebase' CHECK (new_users IN ('firebase', 'local')),
    allow uuid[] NOT NULL DEFAULT '{}',
    deny uuid[] NOT NULL DEFAULT '{}',
    below_full_traffic boolean NOT NULL DEFAULT false,
    revision bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by text NOT NULL DEFAULT 'system'
);

INSERT INTO auth.rollout DEFAULT VALUES;

COMMENT ON TABLE auth.rollout IS 'The rollout of Firebase: one row, read at each sign-in';
COMMENT ON COLUMN auth.rollout.users_buckets IS 'Users whose bucket (0 to 9,999) is below this are moved when they sign in';
COMMENT ON COLUMN auth.rollout.traffic_buckets IS 'What of the platform''s auth traffic its gateway sends here, in ten-thousandths';
COMMENT ON COLUMN auth.rollout.below_full_traffic IS 'An operator insists on moving users while other traffic goes to the old service';

-- migrate:down
-- A rollout at its first revision is what the step up makes.
-- may drop: auth.rollout
LOCK TABLE auth.rollout IN ACCESS EXCLUSIVE MODE;

INSERT INTO auth.federation_archive AS kept (relation, key, facts)
SELECT 'auth.rollout', 'rollout', to_jsonb(gone)
FROM auth.rollout AS gone
WHERE revision > 0
ON CONFLICT (relation, key) DO UPDATE SET facts = excluded.facts, archived_at = excluded.archived_at;

DROP TABLE auth.rollout;
