package principal

import (
	"context"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/redistest"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

type instance struct {
	*Cache
	*Invalidator
	wire *netfault.Wire
}

func newInstance(t *testing.T, redisURL string) *instance {
	t.Helper()
	wire, url := netfault.URL(t, redisURL)
	i := runInstance(t, wire, url)
	waitUntil(t, "the subscription", func() bool { return i.generation() > 0 })
	return i
}

func runInstance(t *testing.T, wire *netfault.Wire, url string) *instance {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	const patience = 500 * time.Millisecond
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout, options.MaxRetries = patience, patience, patience, -1
	client := redis.NewClient(options)
	i := &instance{Cache: NewCache(CacheOptions{}), wire: wire}
	i.Invalidator = NewInvalidator(i.Cache, NewAnnouncer(client, slog.New(slog.DiscardHandler)))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- i.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run ended with %v", err)
		}
		_ = client.Close()
	})
	return i
}

func (i *instance) keep(id uuid.UUID) {
	i.keepFacts(i.beginFill(time.Now()), token.KindFirebase, user.User{ID: id})
}

func (i *instance) has(id uuid.UUID) bool {
	return i.facts(atFirebase(id), time.Now()) != nil
}

func waitUntil(t testing.TB, what string, holds func() bool) {
	t.Helper()
	limit, tick := time.NewTimer(MaxFactsAge/2), time.NewTicker(time.Millisecond)
	defer limit.Stop()
	defer tick.Stop()
	for !holds() {
		select {
		case <-limit.C:
			t.Fatalf("%s: not within %s, and not by age", what, MaxFactsAge/2)
		case <-tick.C:
		}
	}
}

func TestInvalidator_IsTriedOnceItHearsOrCannot(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(*netfault.Wire){
		"there": func(*netfault.Wire) {}, "away": (*netfault.Wire).Cut, "hangs": (*netfault.Wire).Hang,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire, url := netfault.URL(t, redistest.New(t))
			fault(wire)
			i := runInstance(t, wire, url)
			select {
			case <-i.Tried():
			case <-time.After(MaxFactsAge):
				t.Fatal("a start would wait for it still")
			}
			if name == "there" && i.generation() == 0 {
				t.Error("everybody is to be forgotten yet")
			}
			wire.Restore()
			waitUntil(t, "the subscription", func() bool { return i.generation() > 0 })
		})
	}
}

func TestInvalidator_TellsTheOthers(t *testing.T) {
	t.Parallel()
	url := redistest.New(t)
	here, there := newInstance(t, url), newInstance(t, url)
	changed, other := uuid.New(), uuid.New()
	for _, i := range []*instance{here, there} {
		i.keep(changed)
		i.keep(other)
	}
	here.Changed(t.Context(), changed)
	if here.has(changed) {
		t.Error("T5: known here after Changed has returned")
	}
	waitUntil(t, "T5: forgotten there", func() bool { return !there.has(changed) })
	if !here.has(other) || !there.has(other) {
		t.Error("a stranger was forgotten")
	}
}

func TestAnnouncer_NeedsNoCache_T5(t *testing.T) {
	t.Parallel()
	url := redistest.New(t)
	there, id := newInstance(t, url), uuid.New()
	there.keep(id)
	NewAnnouncer(dial(t, url), slog.New(slog.DiscardHandler)).Announce(t.Context(), id)
	waitUntil(t, "T5: forgotten there", func() bool { return !there.has(id) })
}

func TestInvalidator_TellsTheOthersWhenTheCallerHasGone(t *testing.T) {
	t.Parallel()
	url := redistest.New(t)
	here, there := newInstance(t, url), newInstance(t, url)
	id := uuid.New()
	there.keep(id)
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	here.Changed(gone, id)
	waitUntil(t, "T5: forgotten there", func() bool { return !there.has(id) })
}

func TestInvalidator_ResubscriptionForgetsEverybody(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*netfault.Wire){"cut": (*netfault.Wire).Cut, "hanging": (*netfault.Wire).Hang} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newInstance(t, redistest.New(t))
			before := i.generation()
			id := uuid.New()
			i.keep(id)
			fail(i.wire)
			i.wire.Restore()
			waitUntil(t, "T5: forgotten after Redis was "+name, func() bool { return !i.has(id) })
			if i.generation() == before {
				t.Error("T5: fills from before the gap are still kept")
			}
		})
	}
}

func TestInvalidator_HangingRedisDelaysNobodyLong(t *testing.T) {
	t.Parallel()
	i := newInstance(t, redistest.New(t))
	id := uuid.New()
	i.keep(id)
	i.wire.Hang()
	began := time.Now()
	i.Changed(t.Context(), id)
	if took := time.Since(began); took > time.Second {
		t.Errorf("a change took %s while Redis hung", took)
	}
	if i.has(id) {
		t.Error("T5: known here after Changed has returned")
	}
}

func TestInvalidator_NonsenseForgetsEverybody(t *testing.T) {
	t.Parallel()
	i := newInstance(t, redistest.New(t))
	id := uuid.New()
	i.keep(id)
	if err := i.stored.redis.Publish(t.Context(), Channel, "what?").Err(); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "T7: forgotten", func() bool { return !i.has(id) })
}

func TestInvalidator_TellsLaterWhatCouldNotBeTold(t *testing.T) {
	t.Parallel()
	url := redistest.New(t)
	here, there := newInstance(t, url), newInstance(t, url)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- here.announcer.Retry(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Retry ended with %v", err)
		}
	})
	id := uuid.New()
	there.keep(id)
	here.wire.Cut()
	here.Changed(t.Context(), id)
	if !there.has(id) {
		t.Error("the other instance heard by a wire that is cut")
	}
	here.wire.Restore()
	began := time.Now()
	waitUntil(t, "T5: told later", func() bool { return !there.has(id) })
	if took := time.Since(began); took > MaxFactsAge/2 {
		t.Errorf("T5: told after %s: by age, not by Redis", took)
	}
}

// O2: a Redis that hangs costs one wait, not one a change.
func TestAnnounce_AsksAHangingRedisOnce_O2(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	client := redis.NewClient(&redis.Options{Addr: listener.Addr().String(), MaxRetries: -1, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	asked := &askCounter{}
	client.AddHook(asked)
	a := NewAnnouncer(client, slog.New(slog.DiscardHandler))
	for range 50 {
		a.Announce(t.Context(), uuid.New())
	}
	if asked.dials.Load() != 1 {
		t.Errorf("50 changes asked Redis %d times", asked.dials.Load())
	}
	if len(a.unpublished) != 50 {
		t.Errorf("%d changes wait for Redis, expected all", len(a.unpublished))
	}
}

type askCounter struct{ dials atomic.Int64 }

func (c *askCounter) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c.dials.Add(1)
		return next(ctx, network, addr)
	}
}

func (*askCounter) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (*askCounter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
