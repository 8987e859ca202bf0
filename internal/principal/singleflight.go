package principal

import (
	"context"
	"sync"
	"time"

	"auth-v2-service/internal/fault"
)

// group merges concurrent look-ups of one token. Unlike golang.org/x/sync/singleflight, the first caller does the work and waiters keep
// their deadlines.
type group struct {
	lock  sync.Mutex
	calls map[callKey]*call
}

// callKey has the invalidation count, so that no caller joins a look-up from before an invalidation (T5).
type callKey struct {
	token      tokenKey
	generation uint64
}

type call struct {
	done  chan struct{}
	found Principal
	err   error
}

// do ignores the first caller's cancellation but keeps its deadline: others may wait.
func (f *group) do(ctx context.Context, key callKey, lookUp func(context.Context) (Principal, error)) (Principal, error) {
	under, begun := f.join(key)
	if !begun {
		return under.wait(ctx)
	}
	within, cancel := context.WithDeadline(context.WithoutCancel(ctx), latest(ctx))
	defer cancel()
	under.run(within, lookUp)
	f.finish(key, under)
	if under.err != nil && ctx.Err() != nil {
		return Principal{}, errTooSlow.With(ctx.Err())
	}
	return under.found, under.err
}

func latest(ctx context.Context) time.Time {
	end := time.Now().Add(budget)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(end) {
		return deadline
	}
	return end
}

// join's begun means that the caller must run it.
func (f *group) join(key callKey) (under *call, begun bool) {
	f.lock.Lock()
	defer f.lock.Unlock()
	if under = f.calls[key]; under != nil {
		return under, false
	}
	if f.calls == nil {
		f.calls = map[callKey]*call{}
	}
	under = &call{done: make(chan struct{})}
	f.calls[key] = under
	return under, true
}

func (f *group) finish(key callKey, under *call) {
	f.lock.Lock()
	delete(f.calls, key)
	f.lock.Unlock()
	close(under.done)
}

// A panic is an error for all waiters.
func (f *call) run(ctx context.Context, lookUp func(context.Context) (Principal, error)) {
	defer fault.Recover(&f.err)
	f.found, f.err = lookUp(ctx)
}

func (f *call) wait(ctx context.Context) (Principal, error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	select {
	case <-f.done:
		return f.found, f.err
	case <-ctx.Done():
		return Principal{}, errTooSlow.With(ctx.Err())
	}
}
