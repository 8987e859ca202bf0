-- No two rows share a canonical e-mail, and people are looked up by it.
-- Built beside the traffic; a build that was cut short leaves an invalid index, which the next try drops first.

-- migrate:up transaction:false
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS idx_users_canonical_email ON auth.users (auth.canonical_email(email));

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY IF EXISTS auth.idx_users_canonical_email;
