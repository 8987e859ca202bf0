package doctor

import (
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/testkit/redistest"
)

func TestWriting_ARefusalIsRed(t *testing.T) {
	t.Parallel()
	for _, refusal := range redistest.Refusals() {
		t.Run(refusal.Name, func(t *testing.T) {
			t.Parallel()
			options, err := redis.ParseURL(redistest.Real(t))
			if err != nil {
				t.Fatal(err)
			}
			client := redis.NewClient(options)
			defer func() { _ = client.Close() }()
			if f := writing(t.Context(), client); f.Level != Green {
				t.Errorf("a Redis that serves: %+v", f)
			}
			redistest.Do(t, client, refusal.Refuse)
			if f := writing(t.Context(), client); f.Level != Red || !strings.Contains(f.Found, refusal.Says) || f.Advice == "" {
				t.Errorf("%+v, expected red with %s and advice", f, refusal.Says)
			}
		})
	}
}

// The development stand-in for Redis tells too little.
func TestJudgeRedis_WhatTheServerTells(t *testing.T) {
	t.Parallel()
	const healthy = "# Server\r\nredis_version:7.0.15\r\n# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\naof_enabled:0\r\n"
	for name, test := range map[string]struct {
		change, to    string
		check         string
		want          Level
		found, advice string
	}{
		"healthy":           {"", "", "version", Green, "7.0.15", ""},
		"no limit":          {"", "", "eviction", Green, "no limit", ""},
		"old":               {"7.0.15", "5.0.14", "version", Red, "5.0.14", "upgrade"},
		"refuses when full": {"maxmemory:0", "maxmemory:1048576", "eviction", Yellow, "noeviction at 1048576 bytes", "allkeys-lru"},
		"evicts when full":  {"maxmemory:0\r\nmaxmemory_policy:noeviction", "maxmemory:1048576\r\nmaxmemory_policy:allkeys-lru", "eviction", Green, "allkeys-lru", ""},
		"keeps a log":       {"aof_enabled:0", "aof_enabled:1", "persistence", Green, "is on", ""},
		"says nothing":      {healthy, "# Clients\r\nconnected_clients:1\r\n", "settings", Unchecked, "does not tell", ""},
	} {
		findings := judgeRedis(fields(strings.Replace(healthy, test.change, test.to, 1)))
		at := slices.IndexFunc(findings, func(f Finding) bool { return f.Check == test.check })
		if at < 0 {
			t.Errorf("%s: nothing is said of %s", name, test.check)
			continue
		}
		f := findings[at]
		if f.Level != test.want || !strings.Contains(f.Found, test.found) || !strings.Contains(f.Advice, test.advice) || (test.advice == "") != (f.Advice == "") {
			t.Errorf("%s: %+v, expected %s, %q, %q", name, f, test.want, test.found, test.advice)
		}
	}
}
