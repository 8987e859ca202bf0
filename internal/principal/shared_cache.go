package principal

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/breaker"
	"auth-v2-service/internal/user"
)

// sharedPatience is about a slow read of the row.
const sharedPatience = 20 * time.Millisecond

// A probe has three round trips.
const probePatience = 3 * sharedPatience

// A full queue drops writes.
const (
	putPatience = 200 * time.Millisecond
	putQueue    = 1024
)

// clockMargin tolerates clock differences. Facts count as that much older; later dates are refused.
const clockMargin = time.Second

// After sharedFailures in a row, no request asks Redis until a probe succeeds.
const sharedFailures = 3

// SharedCacheOptions configures a SharedCache. Redis, Secret and Cache are required.
type SharedCacheOptions struct {
	Redis redis.UniversalClient
	// Secret seals the facts; all instances share it and Redis does not know it.
	Secret []byte
	Cache  *Cache
	// Observe receives the results of "read" and "write".
	Observe func(operation, result string)
}

const (
	sharedHit         = "hit"
	sharedMiss        = "miss"
	sharedForged      = "forged" // does not open
	sharedExpired     = "expired"
	sharedFuture      = "future"
	sharedOvertaken   = "overtaken" // read before a known change
	sharedForeign     = "foreign"   // the row is no longer this token's
	sharedUnavailable = "unavailable"
	sharedKept        = "kept"
	sharedDropped     = "dropped"
)

// SharedCache shares user facts between instances through Redis (E2). Facts are sealed, at most MaxFactsAge old, and refused if a later
// change is known (T7). It is safe for concurrent use; nil does nothing.
type SharedCache struct {
	facts   redisFacts
	seal    sealer
	cache   *Cache
	observe func(operation, result string)
	breaker *breaker.Breaker
	waiting chan entry
}

type entry struct {
	key        factsKey
	user       user.User
	readAt     time.Time
	generation string
}

// NewSharedCache returns a shared cache that writes only while Run runs.
func NewSharedCache(o SharedCacheOptions) (*SharedCache, error) {
	seal, err := newSealer(o.Secret)
	if err != nil {
		return nil, err
	}
	if o.Observe == nil {
		o.Observe = func(string, string) {}
	}
	facts := redisFacts{o.Redis}
	return &SharedCache{
		facts: facts, seal: seal, cache: o.Cache, observe: o.Observe, waiting: make(chan entry, putQueue),
		breaker: breaker.New(breaker.Options{Failures: sharedFailures, Patience: probePatience, Probe: facts.probe}),
	}, nil
}

// left is empty on a miss; without a generation, put does nothing.
type left struct {
	user       user.User
	readAt     time.Time
	ok         bool
	generation string
}

// Probe runs every Redis operation once.
func (t *SharedCache) Probe(ctx context.Context) error { return t.facts.probe(ctx) }

func (t *SharedCache) look(ctx context.Context, remembered *verified, now time.Time) left {
	if t == nil || !t.breaker.Allow(ctx) {
		return left{}
	}
	ctx, cancel := context.WithTimeout(ctx, sharedPatience)
	defer cancel()
	there, err := t.facts.look(ctx, remembered.factsKey())
	t.breaker.Record(ctx, err)
	if err != nil {
		t.observe("read", sharedUnavailable)
		return left{}
	}
	u, began, result := t.judge(remembered, there, now)
	t.observe("read", result)
	return left{user: u, readAt: began, ok: result == sharedHit, generation: there.generation}
}

// judge also estimates when the reading began by the local clock.
func (t *SharedCache) judge(remembered *verified, there found, now time.Time) (u user.User, began time.Time, result string) {
	if len(there.sealed) == 0 {
		return u, began, sharedMiss
	}
	u, date, err := t.seal.open(remembered.factsKey(), there.sealed)
	if err != nil {
		return u, began, sharedForged
	}
	if date.After(now.Add(clockMargin)) {
		return u, began, sharedFuture
	}
	// The writer's date and Redis's remaining life both count; the older wins.
	began = earlier(date, now)
	if there.left >= 0 {
		began = earlier(began, now.Add(there.left-MaxFactsAge))
	}
	began = began.Add(-clockMargin)
	switch {
	case now.Sub(began) >= MaxFactsAge:
		return u, began, sharedExpired
	case !t.cache.unchangedSince(remembered.userID, began):
		return u, began, sharedOvertaken
	case !remembered.isOf(u):
		return u, began, sharedForeign
	}
	return u, began, sharedHit
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// put never blocks and never fails.
func (t *SharedCache) put(l entry) {
	if t == nil || l.generation == "" {
		return
	}
	select {
	case t.waiting <- l:
	default:
		t.observe("write", sharedDropped)
	}
}

// Run writes queued facts until ctx ends.
func (t *SharedCache) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case l := <-t.waiting:
			t.observe("write", t.write(ctx, l))
		}
	}
}

func (t *SharedCache) write(ctx context.Context, l entry) (result string) {
	now := t.cache.now()
	life := MaxFactsAge - now.Sub(l.readAt)
	sealed, err := t.seal.seal(l.key, l.user, l.readAt)
	if err != nil || life < time.Millisecond || !t.breaker.Allow(ctx) {
		return sharedDropped
	}
	ctx, cancel := context.WithTimeout(ctx, putPatience)
	defer cancel()
	kept, err := t.facts.put(ctx, l.key, l.generation, sealed, life)
	t.breaker.Record(ctx, err)
	switch {
	case err != nil:
		return sharedUnavailable
	case !kept:
		return sharedOvertaken
	}
	return sharedKept
}
