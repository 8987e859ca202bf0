package schema

// LockKey lets a test hold the lock of migrating.
const LockKey = int64(lockKey)
