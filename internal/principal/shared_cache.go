package principal

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/user"
)

// tierPatience is what a request waits for Redis before it reads the row: about what reading the row takes on a bad day.
const tierPatience = 20 * time.Millisecond

// leavePatience bounds one writing, off the requests' path; leaveQueue what waits for it. What finds it full is not left.
const (
	leavePatience = 200 * time.Millisecond
	leaveQueue    = 1024
)

// clockMargin is how far apart the clocks of two instances may be. Facts count as that much older than they look, and a date
// further ahead than that is not believed.
const clockMargin = time.Second

// After tierFailures in a row no request asks Redis for tierRest; then one does.
const (
	tierFailures = 3
	tierRest     = time.Second
)

// TierOptions say what a Tier stands on. Redis, Secret and Cache are required.
type TierOptions struct {
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
	tierHit         = "hit"
	tierMiss        = "miss"
	tierForged      = "forged"    // does not open: forged, cut short, another person's, or sealed with another key
	tierExpired     = "expired"   // older than facts may be
	tierFuture      = "future"    // dated ahead of every clock that can be right
	tierOvertaken   = "overtaken" // read before a change that this instance, or Redis, has heard of
	tierForeign     = "foreign"   // the row is no longer this token's
	tierUnavailable = "unavailable"
	tierKept        = "kept"
	tierDropped     = "dropped"
)

// Tier is the facts that instances leave for each other in Redis (E2), so that of many among which a person's requests are
// spread one reads the row. It decides nothing that the row would not (T7): facts are sealed, dated, at most MaxFactsAge old
// from the beginning of their reading, and not believed where a change was heard of since. Safe for concurrent use; nil is no
// tier.
type Tier struct {
	shared  shared
	seal    sealer
	cache   *Cache
	observe func(operation, result string)
	gate    gate
	waiting chan leftover
}

// leftover is what was read of a row, for the others.
type leftover struct {
	whose      person
	user       user.User
	readAt     time.Time
	generation string
}

// NewTier makes a tier. Facts are left only while Run runs.
func NewTier(o TierOptions) (*Tier, error) {
	seal, err := newSealer(o.Secret)
	if err != nil {
		return nil, err
	}
	if o.Observe == nil {
		o.Observe = func(string, string) {}
	}
	return &Tier{
		shared: shared{o.Redis}, seal: seal, cache: o.Cache, observe: o.Observe, waiting: make(chan leftover, leaveQueue),
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
func (t *Tier) Probe(ctx context.Context) error { return t.shared.probe(ctx) }

// look finds what another instance knows of the person behind a remembered token.
func (t *Tier) look(ctx context.Context, remembered *verified, now time.Time) left {
	if t == nil || !t.gate.enter(now) {
		return left{}
	}
	ctx, cancel := context.WithTimeout(ctx, tierPatience)
	defer cancel()
	there, err := t.shared.look(ctx, remembered.person())
	t.gate.heard(now, err)
	if err != nil {
		t.observe("read", tierUnavailable)
		return left{}
	}
	u, began, result := t.judge(remembered, there, now)
	t.observe("read", result)
	return left{user: u, readAt: began, ok: result == tierHit, generation: there.generation}
}

// judge says what becomes of what was found, and when its reading began by the clock here.
func (t *Tier) judge(remembered *verified, there found, now time.Time) (u user.User, began time.Time, result string) {
	if len(there.sealed) == 0 {
		return u, began, tierMiss
	}
	u, date, err := t.seal.open(remembered.person(), there.sealed)
	if err != nil {
		return u, began, tierForged
	}
	if date.After(now.Add(clockMargin)) {
		return u, began, tierFuture
	}
	// The date is by the clock of who wrote it, the time left by Redis's: whichever says older counts, and a little more.
	began = earlier(date, now)
	if there.left >= 0 {
		began = earlier(began, now.Add(there.left-MaxFactsAge))
	}
	began = began.Add(-clockMargin)
	switch {
	case now.Sub(began) >= MaxFactsAge:
		return u, began, tierExpired
	case !t.cache.unchangedSince(remembered.userID, began):
		return u, began, tierOvertaken
	case !remembered.isOf(u):
		return u, began, tierForeign
	}
	return u, began, tierHit
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// leave hands on what was read of a row, off the caller's path: it never waits and never fails.
func (t *Tier) leave(l leftover) {
	if t == nil || l.generation == "" {
		return
	}
	select {
	case t.waiting <- l:
	default:
		t.observe("write", tierDropped)
	}
}

// Run leaves what was read, until ctx ends.
func (t *Tier) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case l := <-t.waiting:
			t.observe("write", t.write(ctx, l))
		}
	}
}

func (t *Tier) write(ctx context.Context, l leftover) (result string) {
	now := t.cache.now()
	life := MaxFactsAge - now.Sub(l.readAt)
	sealed, err := t.seal.seal(l.whose, l.user, l.readAt)
	if err != nil || life < time.Millisecond || !t.gate.enter(now) {
		return tierDropped
	}
	ctx, cancel := context.WithTimeout(ctx, leavePatience)
	defer cancel()
	kept, err := t.shared.leave(ctx, l.whose, l.generation, sealed, life)
	t.gate.heard(now, err)
	switch {
	case err != nil:
		return tierUnavailable
	case !kept:
		return tierOvertaken
	}
	return tierKept
}

// gate keeps a Redis that does not serve off the road: after some failures no request asks for a while, then one does.
type gate struct {
	failures    atomic.Int32 // since the last answer
	closedUntil atomic.Int64
}

func (g *gate) enter(now time.Time) bool {
	until := g.closedUntil.Load()
	return until == 0 || now.UnixNano() >= until && g.closedUntil.CompareAndSwap(until, now.Add(tierRest).UnixNano())
}

// heard says how asking ended. A Redis that refuses again and again is no more use than a silent one.
func (g *gate) heard(now time.Time, err error) {
	if err == nil {
		g.failures.Store(0)
		g.closedUntil.Store(0)
		return
	}
	if g.failures.Add(1) >= tierFailures {
		g.closedUntil.Store(now.Add(tierRest).UnixNano())
	}
}
