package limit

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/testkit/redistest"
	"auth-v2-service/internal/testkit/testlog"
)

func realRedis(t *testing.T) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(redistest.Real(t))
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestRedis_RefusesToWrite(t *testing.T) {
	for _, refusal := range redistest.Refusals() {
		t.Run(refusal.Name, func(t *testing.T) {
			t.Parallel()
			client, lines := realRedis(t), &testlog.Log{}
			l := newLimiter(t, client, func(o *Options) { o.Logger = lines.Logger() })
			if err := l.Probe(t.Context()); err != nil {
				t.Fatalf("a Redis that serves: %v", err)
			}
			redistest.Do(t, client, refusal.Refuse)
			if let := fail(t, l, jane, stranger, 100); let != 10 {
				t.Errorf("%d guesses were let in, want 10", let)
			}
			if err := l.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), refusal.Says) {
				t.Errorf("the probe says %v, want %s", err, refusal.Says)
			}
			eventually(t, "the log says that Redis refuses", func() bool {
				_ = l.AllowAddress(t.Context(), Login, home)
				return lines.String() != ""
			})
			if said := lines.String(); strings.Count(said, "\n") != 1 || !strings.Contains(said, refusal.Says) {
				t.Errorf("while Redis refuses the log says\n%s, want one line with %s", said, refusal.Says)
			}
			redistest.Do(t, client, refusal.Serve)
			eventually(t, "limits are shared again", func() bool {
				_ = l.AllowAddress(t.Context(), Login, home)
				return strings.Count(lines.String(), "shared through Redis again") == 1
			})
			if err := l.Probe(t.Context()); err != nil {
				t.Errorf("a Redis that serves again: %v", err)
			}
		})
	}
}

func TestRedis_RefusesOneKey(t *testing.T) {
	client, lines := realRedis(t), &testlog.Log{}
	l := newLimiter(t, client, func(o *Options) { o.Logger = lines.Logger() })
	other := newLimiter(t, client)
	n := l.names.attempt(jane, stranger)
	for i, spoil := range []func(name string) error{
		func(name string) error { return client.RPush(t.Context(), "rate:"+name, "x").Err() },
		func(name string) error { return client.Set(t.Context(), "rate:"+name, "no instant", 0).Err() },
	} {
		client.FlushAll(t.Context())
		if err := spoil(n.pair); err != nil {
			t.Fatal(err)
		}
		fail(t, l, jane, stranger, 100)
		isRefusal(t, l.AllowAttempt(t.Context(), jane, stranger))
		for range 60 {
			eventually(t, "Redis is asked", func() bool { return l.counters.redis.breaker.Allow(t.Context()) })
			_ = l.AllowAddress(t.Context(), Register, home)
		}
		if wait := other.counters.spent(t.Context(), other.names.address(Register, home), other.policy.Address[Register]); i == 0 && wait == 0 {
			t.Error("what is asked of other keys is not shared")
		}
	}
	if said := lines.String(); said != "" {
		t.Errorf("the log says %s", said)
	}
}
