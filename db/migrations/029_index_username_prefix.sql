-- Operators find people by the beginning of a username: in the order of bytes, as for e-mails.
-- Built beside the traffic; a build that was cut short leaves an invalid index, which the next try drops first.

-- migrate:up transaction:false
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_users_username_prefix ON auth.users (username COLLATE "C");

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY IF EXISTS auth.idx_users_username_prefix;
