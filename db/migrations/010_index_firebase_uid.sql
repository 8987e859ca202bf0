-- One row a Firebase account, and the look-up of first sight. The index is the uniqueness: the plan's UNIQUE column and its
-- idx_users_firebase_uid are one object here, since two indexes on one look-up would only cost writes.
-- Built beside the traffic; a build that was cut short leaves an invalid index, which the next try drops first.

-- migrate:up transaction:false
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS idx_users_firebase_uid ON auth.users (firebase_uid);

-- migrate:down transaction:false
DROP INDEX CONCURRENTLY IF EXISTS auth.idx_users_firebase_uid;
