// Package redis runs a private Redis for development and tests: the installed redis-server from version 6 on, else miniredis in this
// process. Data does not survive a restart (rule T7).
//
// Where the two differ in a test, trust the server and say so in the test.
package redis
