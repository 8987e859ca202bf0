-- Bulk operations on users: moves to Firebase, and later returns and purges. A run's state is here alone, so that any instance can carry it
-- and goes on where another one was killed. No foreign key leads to auth.users: a run's counts outlive the users, and no migration locks them.

-- migrate:up
CREATE TABLE auth.bulk_runs (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('move', 'return', 'purge')),
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'paused', 'stopped', 'done')),
    reason text,
    project_id text NOT NULL,
    tenant text NOT NULL,
    selection text NOT NULL CHECK (selection IN ('all', 'percent', 'cohort', 'ids')),
    buckets integer NOT NULL DEFAULT 0 CHECK (buckets BETWEEN 0 AND 10000),
    ids_digest bytea,
    rate integer NOT NULL DEFAULT 0 CHECK (rate >= 0),
    parallel integer NOT NULL CHECK (parallel > 0),
    max_errors integer NOT NULL CHECK (max_errors > 0),
    started_by text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at timestamptz,
    after_id uuid,
    page_token text NOT NULL DEFAULT '',
    moved bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    pace double precision NOT NULL DEFAULT 0,
    throttled_at timestamptz,
    canary_at timestamptz,
    canary_failure text,
    lease_by uuid,
    lease_until timestamptz
);

CREATE UNIQUE INDEX bulk_runs_one_unfinished ON auth.bulk_runs ((true)) WHERE state IN ('running', 'paused');
CREATE INDEX idx_bulk_runs_started_at ON auth.bulk_runs (started_at, id);

COMMENT ON TABLE auth.bulk_runs IS 'Bulk operations on users, one row a run';
COMMENT ON COLUMN auth.bulk_runs.reason IS 'Why the run is paused or stopped: a code';
COMMENT ON COLUMN auth.bulk_runs.buckets IS 'The share of users of a run by percent, in buckets of the rollout';
COMMENT ON COLUMN auth.bulk_runs.ids_digest IS 'SHA-256 of the sorted ids of a run by ids';
COMMENT ON COLUMN auth.bulk_runs.rate IS 'Users a second at most; 0: as many as Firebase takes';
COMMENT ON COLUMN auth.bulk_runs.max_errors IS 'More failures than these among the last 1,000 users pause the run';
COMMENT ON COLUMN auth.bulk_runs.after_id IS 'All selected users up to this id have an outcome';
COMMENT ON COLUMN auth.bulk_runs.page_token IS 'The page of Firebase''s export that a return goes on with; empty: the first';
COMMENT ON COLUMN auth.bulk_runs.pace IS 'Users a second that the run allows itself since Firebase refused more; 0: no limit of its own';
COMMENT ON COLUMN auth.bulk_runs.lease_by IS 'The instance or command that carries the run until lease_until';

CREATE TABLE auth.bulk_run_users (
    run_id uuid NOT NULL REFERENCES auth.bulk_runs (id),
    user_id uuid NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('pending', 'moved', 'skipped', 'failed')),
    code text NOT NULL DEFAULT '',
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, user_id)
);

CREATE INDEX idx_bulk_run_users_outcome ON auth.bulk_run_users (run_id, outcome, user_id);

COMMENT ON TABLE auth.bulk_run_users IS 'What became of each user that a run has worked on';
COMMENT ON COLUMN auth.bulk_run_users.code IS 'How the user moved, or why not: a code and no personal data';

INSERT INTO auth.bulk_runs
SELECT was.*
FROM auth.federation_archive AS kept
CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.bulk_runs, kept.facts) AS was
WHERE kept.relation = 'auth.bulk_runs';

INSERT INTO auth.bulk_run_users
SELECT was.*
FROM auth.federation_archive AS kept
CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.bulk_run_users, kept.facts) AS was
WHERE kept.relation = 'auth.bulk_run_users';

DELETE FROM auth.federation_archive WHERE relation IN ('auth.bulk_runs', 'auth.bulk_run_users');

ALTER TABLE auth.move_claims ADD COLUMN hash_digest bytea;
COMMENT ON COLUMN auth.move_claims.hash_digest IS 'SHA-256 of the hash that was claimed: another one since then is not at Firebase';

GRANT SELECT, INSERT, UPDATE ON auth.bulk_runs TO auth_serving;
GRANT SELECT, INSERT, UPDATE ON auth.bulk_run_users TO auth_serving;

-- migrate:down
LOCK TABLE auth.bulk_runs, auth.bulk_run_users IN ACCESS EXCLUSIVE MODE;

INSERT INTO auth.federation_archive AS kept (relation, key, facts)
SELECT 'auth.bulk_runs', id::text, to_jsonb(gone)
FROM auth.bulk_runs AS gone
UNION ALL
SELECT 'auth.bulk_run_users', run_id || ' ' || user_id, to_jsonb(gone)
FROM auth.bulk_run_users AS gone
ON CONFLICT (relation, key) DO UPDATE SET facts = excluded.facts, archived_at = excluded.archived_at;

ALTER TABLE auth.move_claims DROP COLUMN hash_digest;
DROP TABLE auth.bulk_run_users;
DROP TABLE auth.bulk_runs;
