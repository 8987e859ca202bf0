-- What one operator did, the newest first.
-- Built beside the traffic; a build that was cut short leaves an invalid index, which the next try drops first.

-- migrate:up transaction:false
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_audit_events_actor ON auth.audit_events (actor, occurred_at, id);

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY IF EXISTS auth.idx_audit_events_actor;
