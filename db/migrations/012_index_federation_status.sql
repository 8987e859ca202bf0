-- Who is on the way to Firebase, or stuck there.
-- Built beside the traffic; a build that was cut short leaves an invalid index, which the next try drops first.

-- migrate:up transaction:false
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_users_federation_status ON auth.users (federation_status);

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY IF EXISTS auth.idx_users_federation_status;
