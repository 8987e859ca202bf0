-- What we owe Firebase is a job a user (River's tables, as its migrations 1 to 8 make them, less the table in which River would keep
-- count of them), and what reconciling must remember: which project the rows belong to.

-- migrate:up
CREATE TYPE auth.river_job_state AS ENUM (
    'available', 'cancelled', 'completed', 'discarded', 'pending', 'retryable', 'running', 'scheduled'
);

CREATE TABLE auth.river_job (
    id bigserial PRIMARY KEY,
    state auth.river_job_state NOT NULL DEFAULT 'available',
    attempt smallint NOT NULL DEFAULT 0,
    max_attempts smallint NOT NULL DEFAULT 25,
    attempted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    finalized_at timestamptz,
    scheduled_at timestamptz NOT NULL DEFAULT now(),
    priority smallint NOT NULL DEFAULT 1,
    args jsonb NOT NULL,
    attempted_by text [],
    errors jsonb [],
    kind text NOT NULL,
    metadata jsonb NOT NULL DEFAULT '{}',
    queue text NOT NULL DEFAULT 'default',
    tags varchar(255) [] NOT NULL DEFAULT '{}',
    unique_key bytea,
    unique_states bit(8),
    CONSTRAINT finalized_or_finalized_at_null CHECK (
        (finalized_at IS NULL AND state NOT IN ('cancelled', 'completed', 'discarded'))
        OR (finalized_at IS NOT NULL AND state IN ('cancelled', 'completed', 'discarded'))
    ),
    CONSTRAINT max_attempts_is_positive CHECK (max_attempts > 0),
    CONSTRAINT priority_in_range CHECK (priority >= 1 AND priority <= 4),
    CONSTRAINT queue_length CHECK (char_length(queue) > 0 AND char_length(queue) < 128),
    CONSTRAINT kind_length CHECK (char_length(kind) > 0 AND char_length(kind) < 128)
);

CREATE INDEX river_job_kind ON auth.river_job USING btree (kind);

CREATE INDEX river_job_state_and_finalized_at_index ON auth.river_job USING btree (state, finalized_at)
WHERE finalized_at IS NOT NULL;

CREATE INDEX river_job_prioritized_fetching_index ON auth.river_job USING btree (state, queue, priority, scheduled_at, id);

CREATE INDEX river_job_args_index ON auth.river_job USING gin (args);

CREATE INDEX river_job_metadata_index ON auth.river_job USING gin (metadata);

CREATE FUNCTION auth.river_job_state_in_bitmask(bitmask bit(8), state auth.river_job_state) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE state
        WHEN 'available' THEN get_bit(bitmask, 7)
        WHEN 'cancelled' THEN get_bit(bitmask, 6)
        WHEN 'completed' THEN get_bit(bitmask, 5)
        WHEN 'discarded' THEN get_bit(bitmask, 4)
        WHEN 'pending'   THEN get_bit(bitmask, 3)
        WHEN 'retryable' THEN get_bit(bitmask, 2)
        WHEN 'running'   THEN get_bit(bitmask, 1)
        WHEN 'scheduled' THEN get_bit(bitmask, 0)
        ELSE 0
    END = 1;
$$;

CREATE UNIQUE INDEX river_job_unique_idx ON auth.river_job (unique_key)
WHERE unique_key IS NOT NULL AND unique_states IS NOT NULL AND auth.river_job_state_in_bitmask(unique_states, state);

CREATE UNLOGGED TABLE auth.river_leader (
    elected_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    leader_id text NOT NULL,
    name text PRIMARY KEY DEFAULT 'default',
    CONSTRAINT name_length CHECK (name = 'default'),
    CONSTRAINT leader_id_length CHECK (char_length(leader_id) > 0 AND char_length(leader_id) < 128)
);

CREATE TABLE auth.river_queue (
    name text PRIMARY KEY NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    metadata jsonb NOT NULL DEFAULT '{}',
    paused_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE auth.river_notification (
    id bigserial PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    payload text NOT NULL,
    topic text NOT NULL,
    CONSTRAINT topic_length CHECK (length(topic) > 0 AND length(topic) < 128)
);

CREATE INDEX river_notification_created_at_idx ON auth.river_notification (created_at);

CREATE INDEX river_notification_topic_id_idx ON auth.river_notification (topic, id);

CREATE TABLE auth.firebase_project (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    project_id text NOT NULL,
    tenant text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    reconciled_at timestamptz,
    reconciling_until timestamptz,
    reconciling_by text
);

CREATE UNLOGGED TABLE auth.reconcile_listed (
    firebase_uid varchar(128) PRIMARY KEY
);

COMMENT ON TABLE auth.river_job IS 'Jobs of River: what we owe Firebase, one for each user';
COMMENT ON TABLE auth.firebase_project IS 'The Firebase project that the rows belong to: one row, written by the first start';
COMMENT ON COLUMN auth.firebase_project.tenant IS 'The Identity Platform tenant; empty: the project''s own users';
COMMENT ON COLUMN auth.firebase_project.reconciled_at IS 'When the last reconciliation began that went through';
COMMENT ON COLUMN auth.firebase_project.reconciling_until IS 'Until when a reconciliation that is under way holds its place; a killed one''s place lapses';
COMMENT ON TABLE auth.reconcile_listed IS 'Which accounts the reconciliation under way has seen in Firebase''s list';

INSERT INTO auth.river_job (
    state, attempt, max_attempts, created_at, finalized_at, args, errors, kind, metadata, queue, priority, unique_key, unique_states
)
SELECT
    CASE WHEN was.state = 'discarded' THEN 'discarded' ELSE 'available' END::auth.river_job_state,
    was.attempt, was.max_attempts, was.created_at, was.finalized_at, was.args, was.errors, was.kind, was.metadata, was.queue,
    was.priority, was.unique_key, was.unique_states
FROM auth.federation_archive AS kept
CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.river_job, kept.facts) AS was
WHERE kept.relation = 'auth.river_job'
ORDER BY was.id
ON CONFLICT DO NOTHING;

INSERT INTO auth.firebase_project
SELECT was.*
FROM auth.federation_archive AS kept
CROSS JOIN LATERAL jsonb_populate_record(NULL::auth.firebase_project, kept.facts) AS was
WHERE kept.relation = 'auth.firebase_project';

DELETE FROM auth.federation_archive
WHERE relation IN ('auth.river_job', 'auth.firebase_project');

-- migrate:down
-- may drop: auth.river_job auth.river_leader auth.river_notification auth.river_queue auth.reconcile_listed
-- What is still owed, and what was given up, is kept; what is done is not. Nobody but this service holds these tables.
LOCK TABLE auth.river_job, auth.firebase_project IN ACCESS EXCLUSIVE MODE;

INSERT INTO auth.federation_archive AS kept (relation, key, facts)
SELECT 'auth.river_job', id::text, to_jsonb(gone)
FROM auth.river_job AS gone
WHERE state NOT IN ('completed', 'cancelled')
ON CONFLICT (relation, key) DO UPDATE SET facts = excluded.facts, archived_at = excluded.archived_at;

INSERT INTO auth.federation_archive AS kept (relation, key, facts)
SELECT 'auth.firebase_project', 'project', to_jsonb(gone)
FROM auth.firebase_project AS gone
ON CONFLICT (relation, key) DO UPDATE SET facts = excluded.facts, archived_at = excluded.archived_at;

DROP TABLE auth.reconcile_listed;
DROP TABLE auth.firebase_project;
DROP TABLE auth.river_notification;
DROP TABLE auth.river_queue;
DROP TABLE auth.river_leader;
DROP TABLE auth.river_job;
DROP FUNCTION auth.river_job_state_in_bitmask(bit, auth.river_job_state);
DROP TYPE auth.river_job_state;
