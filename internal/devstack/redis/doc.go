// Package redis runs redis-server from version 6 on, else miniredis. Data does not survive a restart (rule T7). Where they differ, trust
// the server.
package redis
