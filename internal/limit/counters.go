package limit

import (
	"context"
	"time"
)

// counters asks memory and Redis; either may refuse. Memory also counts during outages.
type counters struct {
	memory *memoryStore
	redis  *sharedStore
}

func newCounters(o Options) counters {
	return counters{memory: newMemoryStore(o.Clock), redis: newSharedStore(o)}
}

// take does not count what either refuses.
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

func (c counters) spent(ctx context.Context, name string, r Rate) time.Duration {
	if wait, _ := spent(ctx, c.memory, name, r); wait > 0 {
		return wait
	}
	return ask(ctx, c.redis, func(s store) (time.Duration, error) { return spent(ctx, s, name, r) })
}

func (c counters) charge(ctx context.Context, name string, r Rate) {
	c.everywhere(ctx, func(s store) error { return charge(ctx, s, name, r) })
}

// forget leaves other memories, which alone seldom refuse.
func (c counters) forget(ctx context.Context, name string) {
	c.everywhere(ctx, func(s store) error { return s.forget(ctx, name) })
}

func (c counters) remember(ctx context.Context, name string, d time.Duration) {
	c.everywhere(ctx, func(s store) error { return s.remember(ctx, name, d) })
}

func (c counters) remembers(ctx context.Context, name string) bool {
	if known, _ := c.memory.remembers(ctx, name); known {
		return true
	}
	return ask(ctx, c.redis, func(s store) (bool, error) { return s.remembers(ctx, name) })
}

// everywhere writes to Redis first: then memory's wait suffices for Redis.
func (c counters) everywhere(ctx context.Context, tell func(store) error) {
	ask(ctx, c.redis, func(s store) (struct{}, error) { return struct{}{}, tell(s) })
	_ = tell(c.memory)
}
