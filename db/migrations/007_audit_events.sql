-- Who did what to whom. Rows are only ever added; user_id has no foreign key because events outlive the account.

-- migrate:up
CREATE TABLE auth.audit_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    action text NOT NULL,
    actor text NOT NULL,
    user_id uuid,
    request_id text,
    details jsonb NOT NULL DEFAULT '{}'
);

CREATE INDEX idx_audit_events_user_id ON auth.audit_events (user_id, id);

COMMENT ON TABLE auth.audit_events IS 'Append-only record of what was done to accounts, and by whom';
COMMENT ON COLUMN auth.audit_events.actor IS 'user:<id>, token:<firebase uid> before there is a row, cli:<name>, or system';

-- migrate:down
LOCK TABLE auth.audit_events IN ACCESS EXCLUSIVE MODE;

INSERT INTO auth.federation_archive AS kept (relation, key, facts)
SELECT 'auth.audit_events', id::text, to_jsonb(gone)
FROM auth.audit_events AS gone
ON CONFLICT (relation, key) DO UPDATE SET facts = excluded.facts, archived_at = excluded.archived_at;

DROP TABLE auth.audit_events;
