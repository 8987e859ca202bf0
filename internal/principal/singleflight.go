package principal

import (
	"context"
	"sync"
	"time"

	"auth-v2-service/internal/fault"
)

// group lets one look-up serve everybody who waits for the same token at the same time. It is golang.org/x/sync/singleflight, but
// that the first who asks does the work, without a goroutine of its own, and that the others wait no longer than they want: most
// tokens are asked for by nobody else.
type group struct {
	lock  sync.Mutex
	calls map[callKey]*call
}

// callKey is a token, and how many invalidations there were: who comes after one does not join a look-up from before it (T5).
type callKey struct {
	token      tokenKey
	generation uint64
}

// call is one look-up under way.
type call struct {
	done  chan struct{}
	found Principal // once it has landed
	err   error
}

// do gives what lookUp finds, within the budget, or the time that whoever begins it has left. A look-up goes on when they hang up:
// others may wait for it.
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

// join is the flight of a key, and whether it is the caller's to fly.
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

// run looks up. A panic is an error of everybody who waits.
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
