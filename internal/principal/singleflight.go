package principal

import (
	"context"
	"sync"
	"time"

	"auth-v2-service/internal/fault"
)

// flights lets one look-up serve everybody who waits for the same token at the same time. It is golang.org/x/sync/singleflight, but
// that the first who asks does the work, without a goroutine of its own, and that the others wait no longer than they want: most
// tokens are asked for by nobody else.
type flights struct {
	lock  sync.Mutex
	under map[flightKey]*flight
}

// flightKey is a token, and how many invalidations there were: who comes after one does not join a look-up from before it (T5).
type flightKey struct {
	token      tokenKey
	generation uint64
}

// flight is one look-up under way.
type flight struct {
	landed chan struct{}
	found  Principal // once it has landed
	err    error
}

// do gives what lookUp finds, within the budget, or the time that whoever begins it has left. A look-up goes on when they hang up:
// others may wait for it.
func (f *flights) do(ctx context.Context, key flightKey, lookUp func(context.Context) (Principal, error)) (Principal, error) {
	under, begun := f.join(key)
	if !begun {
		return under.wait(ctx)
	}
	within, cancel := context.WithDeadline(context.WithoutCancel(ctx), latest(ctx))
	defer cancel()
	under.fly(within, lookUp)
	f.land(key, under)
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
func (f *flights) join(key flightKey) (under *flight, begun bool) {
	f.lock.Lock()
	defer f.lock.Unlock()
	if under = f.under[key]; under != nil {
		return under, false
	}
	if f.under == nil {
		f.under = map[flightKey]*flight{}
	}
	under = &flight{landed: make(chan struct{})}
	f.under[key] = under
	return under, true
}

func (f *flights) land(key flightKey, under *flight) {
	f.lock.Lock()
	delete(f.under, key)
	f.lock.Unlock()
	close(under.landed)
}

// fly looks up. A panic is an error of everybody who waits.
func (f *flight) fly(ctx context.Context, lookUp func(context.Context) (Principal, error)) {
	defer fault.Recover(&f.err)
	f.found, f.err = lookUp(ctx)
}

func (f *flight) wait(ctx context.Context) (Principal, error) {
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	select {
	case <-f.landed:
		return f.found, f.err
	case <-ctx.Done():
		return Principal{}, errTooSlow.With(ctx.Err())
	}
}
