// Package redistest gives each test its own Redis, since counters and channels are global.
package redistest

import (
	"regexp"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"auth-v2-service/internal/devstack/redis"
	"auth-v2-service/internal/testkit/debian"
)

// New returns the URL of a new Redis.
func New(t testing.TB) string {
	t.Helper()
	return start(t, redis.Options{Dir: t.TempDir()})
}

func start(t testing.TB, o redis.Options) string {
	t.Helper()
	server, err := redis.Start(t.Context(), o)
	if err != nil {
		t.Fatalf("start Redis: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Errorf("stop Redis: %v", err)
		}
	})
	return server.URL()
}

var program = debian.Find(debian.Wanted{
	Name: "redis-server", Packages: []string{"redis-server", "redis-tools"}, Ask: []string{"--version"}, Fits: regexp.MustCompile(`v=[6-9]\.`),
})

// Real starts the real program, with roles, memory limits and users.
func Real(t testing.TB) string {
	t.Helper()
	found, err := program()
	if err != nil {
		t.Fatalf("bring Redis: %v", err)
	}
	return start(t, redis.Options{Dir: t.TempDir(), Program: found.Path, Libraries: found.Libraries})
}

// Refusal is a state that refuses commands.
type Refusal struct {
	Name          string
	Refuse, Serve [][]any
	Says          string
	// PUBLISH works
	Tells bool
}

// Refusals returns a real server's.
func Refusals() []Refusal {
	config := func(words ...any) [][]any { return [][]any{append([]any{"CONFIG", "SET"}, words...)} }
	acl := func(words ...any) [][]any { return [][]any{append([]any{"ACL", "SETUSER", "default"}, words...)} }
	replica, primary := [][]any{{"REPLICAOF", "127.0.0.1", "1"}}, [][]any{{"REPLICAOF", "NO", "ONE"}}
	return []Refusal{
		{Name: "a replica", Refuse: replica, Serve: primary, Says: "READONLY", Tells: true},
		{
			Name:   "a replica that serves nothing old",
			Refuse: append(config("replica-serve-stale-data", "no"), replica...), Serve: primary, Says: "MASTERDOWN",
		},
		{
			Name: "a primary without its replicas", Says: "NOREPLICAS", Tells: true,
			Refuse: config("min-replicas-to-write", 1), Serve: config("min-replicas-to-write", 0),
		},
		{Name: "no memory", Says: "OOM", Tells: true, Refuse: config("maxmemory", 1), Serve: config("maxmemory", 0)},
		{Name: "a user that may not write", Says: "can't run this command", Tells: true, Refuse: acl("-@write"), Serve: acl("+@all")},
		{Name: "a user that may run no scripts", Says: "NOPERM", Refuse: acl("-@scripting"), Serve: acl("+@all")},
	}
}

// Do sends commands.
func Do(t testing.TB, client goredis.UniversalClient, commands [][]any) {
	t.Helper()
	for _, words := range commands {
		if err := client.Do(t.Context(), words...).Err(); err != nil {
			t.Fatalf("%v: %v", words, err)
		}
	}
}
