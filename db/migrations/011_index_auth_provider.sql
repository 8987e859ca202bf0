-- How many people sign in where.
-- Built beside the traffic; a build that was cut short leaves an invalid index, which the next try drops first.

-- migrate:up transaction:false
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_users_auth_provider ON auth.users (auth_provider);

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY IF EXISTS auth.idx_users_auth_provider;
