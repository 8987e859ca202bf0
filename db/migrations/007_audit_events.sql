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
DROP TABLE auth.audit_events;
