package principal

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/user"
)

// sharedPatience bounds a request's wait for Redis: about a slow read of the row.
const sharedPatience = 20 * time.Millisecond

// putPatience bounds one write, off the request's path. A full putQueue drops writes.
const (
	putPatience = 200 * time.Millisecond
	putQueue    = 1024
)

// clockMargin is the tolerated clock difference between instances. Facts count as that much older; dates further ahead are refused.
const clockMargin = time.Second

// After sharedFailures failures in a row, no request asks Redis for sharedRest.
const (
	sharedFailures = 3
	sharedRest     = time.Second
)

// SharedCacheOptions configures a SharedCache. Redis, Secret and Cache are required.
type SharedCacheOptions struct {
	Redis redis.UniversalClient
	// Secret seals the facts. It is the same on every instance and unknown to Redis.
	Secret []byte
	Cache  *Cache
	// Observe receives the result of each "read" and "write". May be nil.
	Observe func(operation, result string)
}

// Results for the metric.
const (
	sharedHit         = "hit"
	sharedMiss        = "miss"
	sharedForged      = "forged" // does not open: forged, truncated, or another user or key
	sharedExpired     = "expired"
	sharedFuture      = "future"    // dated too far ahead
	sharedOvertaken   = "overtaken" // read before a known change
	sharedForeign     = "foreign"   // the row is no longer this token's
	sharedUnavailable = "unavailable"
	sharedKept        = "kept"
	sharedDropped     = "dropped"
)

// SharedCache shares user facts between instances through Redis (E2). Facts are sealed, dated and at most MaxFactsAge old from the start of
// their reading; facts from before a known change are refused (T7). It is safe for concurrent use. A nil SharedCache does nothing.
type SharedCache struct {
	facts   redisFacts
	seal    sealer
	cache   *Cache
	observe func(operation, result string)
	gate    gate
	waiting chan entry
}

type entry struct {
	key        factsKey
	user       user.User
	readAt     time.Time
	generation string
}

// NewSharedCache returns a shared cache. Facts are written only while Run runs.
func NewSharedCache(o SharedCacheOptions) (*SharedCache, error) {
	seal, err := newSealer(o.Secret)
	if err != nil {
		return nil, err
	}
	if o.Observe == nil {
		o.Observe = func(string, string) {}
	}
	return &SharedCache{
		facts: redisFacts{o.Redis}, seal: seal, cache: o.Cache, observe: o.Observe, waiting: make(chan entry, putQueue),
	}, nil
}

// left is the result of look: facts where ok is true, and the generation for put ("": do not put).
type left struct {
	user       user.User
	readAt     time.Time
	ok         bool
	generation string
}

// Probe runs all Redis operations that requests use, and returns the first error.
func (t *SharedCache) Probe(ctx context.Context) error { return t.facts.probe(ctx) }

// look finds the facts that another instance has stored for a known token.
func (t *SharedCache) look(ctx context.Context, remembered *verified, now time.Time) left {
	if t == nil || !t.gate.enter(now) {
		return left{}
	}
	ctx, cancel := context.WithTimeout(ctx, sharedPatience)
	defer cancel()
	there, err := t.facts.look(ctx, remembered.factsKey())
	t.gate.heard(now, err)
	if err != nil {
		t.observe("read", sharedUnavailable)
		return left{}
	}
	u, began, result := t.judge(remembered, there, now)
	t.observe("read", result)
	return left{user: u, readAt: began, ok: result == sharedHit, generation: there.generation}
}

// judge checks the facts found, and estimates the start of their reading on the local clock.
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
	// The date is by the writer's clock, the remaining life by Redis's clock. The older one counts, less clockMargin.
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

// put queues facts for Run. It never blocks and never fails.
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
	if err != nil || life < time.Millisecond || !t.gate.enter(now) {
		return sharedDropped
	}
	ctx, cancel := context.WithTimeout(ctx, putPatience)
	defer cancel()
	kept, err := t.facts.put(ctx, l.key, l.generation, sealed, life)
	t.gate.heard(now, err)
	switch {
	case err != nil:
		return sharedUnavailable
	case !kept:
		return sharedOvertaken
	}
	return sharedKept
}

// gate stops requests to a failing Redis: after sharedFailures it closes for sharedRest, then lets one request through.
type gate struct {
	failures    atomic.Int32 // since the last answer
	closedUntil atomic.Int64
}

func (g *gate) enter(now time.Time) bool {
	until := g.closedUntil.Load()
	return until == 0 || now.UnixNano() >= until && g.closedUntil.CompareAndSwap(until, now.Add(sharedRest).UnixNano())
}

// heard records a result. Refusals count like timeouts.
func (g *gate) heard(now time.Time, err error) {
	if err == nil {
		g.failures.Store(0)
		g.closedUntil.Store(0)
		return
	}
	if g.failures.Add(1) >= sharedFailures {
		g.closedUntil.Store(now.Add(sharedRest).UnixNano())
	}
}
