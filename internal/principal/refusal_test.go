package principal

import (
	"strings"
	"testing"

	"auth-v2-service/internal/testkit/redistest"
	"auth-v2-service/internal/testkit/testlog"
	"auth-v2-service/internal/token"
)

func TestSharedCache_RefusingRedis_T5(t *testing.T) {
	t.Parallel()
	for _, refusal := range redistest.Refusals() {
		t.Run(refusal.Name, func(t *testing.T) {
			t.Parallel()
			url := redistest.Real(t)
			client := dial(t, url)
			tb := &table{}
			tb.row.Store(active())
			id := tb.row.Load().ID
			n, other, lines := tb.node(t, client, "a secret"), newInstance(t, url), &testlog.Log{}
			n.invalidator.announcer.log = lines.Logger()
			if err := n.shared.Probe(t.Context()); err != nil {
				t.Fatalf("a Redis that serves: %v", err)
			}
			waitUntil(t, "facts are in Redis", func() bool {
				n.grow()
				if err := n.ask(); err != nil {
					t.Fatal(err)
				}
				n.flush()
				return n.results.of("write "+sharedKept) == 1
			})
			missed := n.results.of("read " + sharedUnavailable)
			other.keep(id)
			redistest.Do(t, client, refusal.Refuse)
			if err := n.shared.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), refusal.Says) {
				t.Errorf("the probe says %v, want %s", err, refusal.Says)
			}
			for range 5 {
				n.invalidator.Changed(t.Context(), id)
			}
			if refusal.Tells {
				waitUntil(t, "T5: the other instance hears of the change", func() bool { return !other.has(id) })
			}
			if refusal.Says == "OOM" {
				if left := client.Exists(t.Context(), redisFactsKey(factsKey{id: id, kind: token.KindFirebase})).Val(); left != 0 {
					t.Error("T5: a Redis without memory keeps the facts of before a change")
				}
			} else if said := lines.String(); strings.Count(said, "\n") != 1 || !strings.Contains(said, refusal.Says) {
				t.Errorf("after five changes the log says\n%s, want one line with %s", said, refusal.Says)
			}
			for range 100 {
				n.grow()
				if err := n.ask(); err != nil {
					t.Fatal(err)
				}
				n.flush()
			}
			// A slow machine adds single timeouts to those that open the breaker.
			if asked := n.results.of("read "+sharedUnavailable) - missed; asked > 3*sharedFailures {
				t.Errorf("O3: %d of 100 requests asked a Redis that refuses, want %d", asked, sharedFailures)
			}
			redistest.Do(t, client, refusal.Serve)
			waitUntil(t, "facts are shared again", func() bool {
				n.grow()
				if err := n.ask(); err != nil {
					t.Fatal(err)
				}
				n.flush()
				return n.results.of("write "+sharedKept) >= 2
			})
			go func() { _ = n.invalidator.announcer.Retry(t.Context()) }()
			n.invalidator.Changed(t.Context(), id)
			waitUntil(t, "a line that Redis takes changes again", func() bool { return refusal.Says == "OOM" || strings.Count(lines.String(), "\n") == 2 })
			if said := lines.String(); strings.Count(said, "\n") > 2 {
				t.Errorf("the log says\n%s, want one line for each change of state", said)
			}
		})
	}
}
