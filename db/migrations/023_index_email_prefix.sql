-- Operators find people by the beginning of an e-mail: in the order of bytes, in which whatever begins alike stands together. The
-- unique index keeps the database's own order, which need not.
-- Built beside the traffic; a build that was cut short leaves an invalid index, which the next try drops first.

-- migrate:up transaction:false
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_users_email_prefix ON auth.users ((auth.canonical_email(email) COLLATE "C"));

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY IF EXISTS auth.idx_users_email_prefix;
