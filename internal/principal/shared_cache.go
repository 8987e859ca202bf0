package principal

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/user"
)

// sharedPatience is what a request waits for Redis before it reads the row: about what reading the row takes on a bad day.
const sharedPatience = 20 * time.Millisecond

// putPatience bounds one writing, off the requests' path; putQueue what waits for it. What finds it full is not left.
const (
	putPatience = 200 * time.Millisecond
	putQueue    = 1024
)

// clockMargin is how far apart the clocks of two instances may be. Facts count as that much older than they look, and a date
// further ahead than that is not believed.
const clockMargin = time.Second

// After sharedFailures in a row no request asks Redis for sharedRest; then one does.
const (
	sharedFailures = 3
	sharedRest     = time.Second
)

// SharedCacheOptions say what a Tier stands on. Redis, Secret and Cache are required.
type SharedCacheOptions struct {
	Redis redis.UniversalClient
	// Secret is what facts are sealed with: the same on every instance, and not known to Redis. With another one an instance finds
	// nothing that it can open, and reads the rows.
	Secret []byte
	Cache  *Cache
	// Observe hears how each looking ("read") and leaving ("write") ended; for a metric, may be nil.
	Observe func(operation, result string)
}

// How looking for facts and leaving them can end, for the metric.
const (
	sharedHit         = "hit"
	sharedMiss        = "miss"
	sharedForged      = "forged"    // does not open: forged, cut short, another person's, or sealed with another key
	sharedExpired     = "expired"   // older than facts may be
	sharedFuture      = "future"    // dated ahead of every clock that can be right
	sharedOvertaken   = "overtaken" // read before a change that this instance, or Redis, has heard of
	sharedForeign     = "foreign"   // the row is no longer this token's
	sharedUnavailable = "unavailable"
	sharedKept        = "kept"
	sharedDropped     = "dropped"
)

// SharedCache is the facts that instances leave for each other in Redis (E2), so that of many among which a person's requests are
// spread one reads the row. It decides nothing that the row would not (T7): facts are sealed, dated, at most MaxFactsAge old
// from the beginning of their reading, and not believed where a change was heard of since. Safe for concurrent use; nil is no
// sharedCache.
type SharedCache struct {
	facts   redisFacts
	seal    sealer
	cache   *Cache
	observe func(operation, result string)
	gate    gate
	waiting chan entry
}

// entry is what was read of a row, for the others.
type entry struct {
	key        factsKey
	user       user.User
	readAt     time.Time
	generation string
}

// NewSharedCache makes a tier. Facts are left only while Run runs.
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

// left is what a look into the tier brought: facts and when their reading began where ok, and what leave wants to be told
// ("": leave nothing).
type left struct {
	user       user.User
	readAt     time.Time
	ok         bool
	generation string
}

// Probe does with Redis all that requests do, and says what keeps facts and changes from being shared.
func (t *SharedCache) Probe(ctx context.Context) error { return t.facts.probe(ctx) }

// look finds what another instance knows of the person behind a remembered token.
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

// judge says what becomes of what was found, and when its reading began by the clock here.
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
	// The date is by the clock of who wrote it, the time left by Redis's: whichever says older counts, and a little more.
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

// put hands on what was read of a row, off the caller's path: it never waits and never fails.
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

// Run leaves what was read, until ctx ends.
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

// gate keeps a Redis that does not serve off the road: after some failures no request asks for a while, then one does.
type gate struct {
	failures    atomic.Int32 // since the last answer
	closedUntil atomic.Int64
}

func (g *gate) enter(now time.Time) bool {
	until := g.closedUntil.Load()
	return until == 0 || now.UnixNano() >= until && g.closedUntil.CompareAndSwap(until, now.Add(sharedRest).UnixNano())
}

// heard says how asking ended. A Redis that refuses again and again is no more use than a silent one.
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
