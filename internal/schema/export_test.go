package schema

// LockKey lets a test hold the lock of migrating.
const LockKey = int64(lockKey)

// SSLMode lets a test ask how a step's sessions check the server.
var SSLMode = sslMode
