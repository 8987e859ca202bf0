// Package redis runs a private Redis for development and tests: the installed redis-server where there is one of version 6
// or later, else miniredis in this process, which knows pub/sub, Lua, streams and transactions, and whose TTLs run by the
// clock here. Nothing is kept over a restart: the service promises to live without Redis (rule T7).
//
// When the server behaves otherwise than miniredis in some test, trust the server, and say so in that test.
package redis
