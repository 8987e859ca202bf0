-- The plan's index of who is active; the platform's own table may have it already.
-- Built beside the traffic; a build that was cut short leaves an invalid index, which the next try drops first.

-- migrate:up transaction:false
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_users_is_active ON auth.users (is_active);

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY IF EXISTS auth.idx_users_is_active;
