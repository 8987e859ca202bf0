package limit

import (
	"context"
	"time"
)

// counters counts in this process and, while it answers, in Redis; whichever refuses is believed. Redis has seen what all
// instances let in, this process also what Redis has missed: a moment without Redis is nobody's fresh allowance.
type counters struct {
	memory *memoryStore
	redis  *breaker
}

func newCounters(o Options) counters {
	return counters{memory: newMemoryStore(o.Clock), redis: newBreaker(o)}
}

// take is take of both. Who is refused by one is not counted by the other.
func (c counters) take(ctx context.Context, name string, r Rate) time.Duration {
	if wait, _ := spent(ctx, c.memory, name, r); wait > 0 { // memory does not fail
		return wait
	}
	if wait := ask(ctx, c.redis, func(s store) (time.Duration, error) { return take(ctx, s, name, r) }); wait > 0 {
		return wait
	}
	wait, _ := take(ctx, c.memory, name, r)
	return wait
}

// spent is spent of both. Who waits for memory need not ask Redis.
func (c counters) spent(ctx context.Context, name string, r Rate) time.Duration {
	if wait, _ := spent(ctx, c.memory, name, r); wait > 0 {
		return wait
	}
	return ask(ctx, c.redis, func(s store) (time.Duration, error) { return spent(ctx, s, name, r) })
}

func (c counters) charge(ctx context.Context, name string, r Rate) {
	c.everywhere(ctx, func(s store) error { return charge(ctx, s, name, r) })
}

// forget makes a counter as new. Another instance keeps what it has seen itself, which alone is seldom enough to refuse.
func (c counters) forget(ctx context.Context, name string) {
	c.everywhere(ctx, func(s store) error { return s.forget(ctx, name) })
}

// remember makes remembers answer true for so long.
func (c counters) remember(ctx context.Context, name string, d time.Duration) {
	c.everywhere(ctx, func(s store) error { return s.remember(ctx, name, d) })
}

func (c counters) remembers(ctx context.Context, name string) bool {
	if known, _ := c.memory.remembers(ctx, name); known {
		return true
	}
	return ask(ctx, c.redis, func(s store) (bool, error) { return s.remembers(ctx, name) })
}

// everywhere tells Redis first, as take does: whoever waits as long as memory advises finds that Redis has forgotten as much.
func (c counters) everywhere(ctx context.Context, tell func(store) error) {
	ask(ctx, c.redis, func(s store) (struct{}, error) { return struct{}{}, tell(s) })
	_ = tell(c.memory)
}
