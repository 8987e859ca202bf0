-- The highest cost of a password hash, which each sign-in with a password asks for.
-- Built beside the traffic; a build that was cut short leaves an invalid index, which the next try drops first.

-- migrate:up transaction:false
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_users_bcrypt_cost ON auth.users (auth.bcrypt_cost(password_hash))
    WHERE auth.bcrypt_cost(password_hash) IS NOT NULL;

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY IF EXISTS auth.idx_users_bcrypt_cost;
