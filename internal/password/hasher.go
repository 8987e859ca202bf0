package password

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"

	"auth-v2-service/internal/fault"
)

// ErrBusy says that a hash could not be computed in the time that the caller has.
var ErrBusy = fault.Unavailable("too many passwords are checked at this moment; try again", nil)

// Names of the lanes, as Options.OnWork receives them.
const (
	LaneUsual = "usual"
	LaneHeavy = "heavy"
)

// Options configure a Hasher. The zero value is usable.
type Options struct {
	// Cost is the cost of new hashes; 0: DefaultCost. No setting leads here: it is for tests, which take bcrypt's lowest.
	Cost int
	// MaxCost is the highest cost that is checked; 0: DefaultMaxCost.
	MaxCost int
	// OnWork receives the lane and the bcrypt rounds of each computation when it begins. Nil: no call.
	OnWork func(lane string, rounds int)
}

// Hasher computes bcrypt hashes, as many at a time as leave a core to requests that need none. Safe for concurrent use.
type Hasher struct {
	cost         int
	maxCost      int
	onWork       func(lane string, rounds int)
	usual, heavy lane
	fastest      atomic.Int64 // nanoseconds that rateRounds rounds took at best
	stopped      chan struct{}
	stop         sync.Once
	compare      func(hash, password []byte) error
	generate     func(password []byte, cost int) ([]byte, error)
}

// lane is a queue for one of a few places.
type lane struct {
	name   string
	places chan struct{}
}

// New makes a Hasher.
func New(o Options) *Hasher {
	if o.OnWork == nil {
		o.OnWork = func(string, int) {}
	}
	h := &Hasher{
		cost: cmp.Or(o.Cost, DefaultCost), maxCost: cmp.Or(o.MaxCost, DefaultMaxCost), onWork: o.OnWork,
		usual:   lane{LaneUsual, make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))},
		heavy:   lane{LaneHeavy, make(chan struct{}, 1)},
		stopped: make(chan struct{}),
		compare: bcrypt.CompareHashAndPassword, generate: bcrypt.GenerateFromPassword,
	}
	h.fastest.Store(int64(calibrate()))
	return h
}

// MaxCost is the highest cost that is checked.
func (h *Hasher) MaxCost() int16 { return int16(h.maxCost) } //nolint:gosec // bcrypt's costs end at 31

// Stop lets every caller go with ErrBusy, those that wait for a computation under way included. A process that ends waits for no
// hash. Later calls fail the same way.
func (h *Hasher) Stop() { h.stop.Do(func() { close(h.stopped) }) }

// Hash makes the bcrypt hash of a password. A password that bcrypt could not read whole (A6) gets Unusable. The error is ErrBusy.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if len(password) > maxBytes {
		return Unusable, nil
	}
	return compute(ctx, h, h.usual, 1<<h.cost, func() (string, error) {
		h.onWork(h.usual.name, 1<<h.cost)
		hash, err := h.generate([]byte(password), h.cost)
		if err != nil {
			return "", fmt.Errorf("hash a password: %w", err)
		}
		return string(hash), nil
	})
}

// Verify checks a password against a bcrypt hash of any dialect. Like the legacy service it reads the first 72 bytes of a longer
// password. Errors: ErrMismatch, ErrNotBcrypt, ErrTooCostly or ErrBusy.
func (h *Hasher) Verify(ctx context.Context, hash, password string) error {
	return h.Attempt().Verify(ctx, hash, password)
}

// check is one comparison. It runs in a place of a lane.
func (h *Hasher) check(l lane, cost int, hash, password string) error {
	h.onWork(l.name, 1<<cost)
	if err := h.compare([]byte(hash), []byte(password)); err != nil {
		return ErrMismatch
	}
	return nil
}

// compute runs do in a place of a lane, once one is free. It does not begin what would not end in the time of ctx, and a caller
// whose ctx ends does not wait for do, which keeps its place until it ends.
func compute[T any](ctx context.Context, h *Hasher, l lane, rounds int, do func() (T, error)) (T, error) {
	var none T
	if !h.fits(ctx, rounds) {
		return none, ErrBusy.With(errors.New("no time is left for a hash"))
	}
	select {
	case l.places <- struct{}{}:
	case <-ctx.Done():
		return none, ErrBusy.With(fmt.Errorf("wait for a place: %w", ctx.Err()))
	case <-h.stopped:
		return none, ErrBusy
	}
	if !h.fits(ctx, rounds) {
		<-l.places
		return none, ErrBusy.With(errors.New("no time is left for a hash"))
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() { <-l.places; done <- r }()
		defer fault.Recover(&r.err)
		began := time.Now()
		r.value, r.err = do()
		h.noteTime(rounds, time.Since(began))
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return none, ErrBusy.With(fmt.Errorf("wait for a hash: %w", ctx.Err()))
	case <-h.stopped:
		return none, ErrBusy
	}
}

// fits says whether the rounds can end in the time that ctx leaves.
func (h *Hasher) fits(ctx context.Context, rounds int) bool {
	deadline, bounded := ctx.Deadline()
	return !bounded || h.timeOf(rounds) <= time.Until(deadline)
}

// rateRounds is the unit in which the speed of this machine is kept.
const rateRounds = 1 << DefaultCost

// timeOf is what the rounds take on this machine at best.
func (h *Hasher) timeOf(rounds int) time.Duration {
	return time.Duration(float64(h.fastest.Load()) * float64(rounds) / rateRounds)
}

// noteTime remembers the best speed that was seen. A slow computation proves nothing: the machine was busy, or asleep.
func (h *Hasher) noteTime(rounds int, took time.Duration) {
	speed := int64(float64(took) * rateRounds / float64(rounds))
	for {
		fastest := h.fastest.Load()
		if speed <= 0 || speed >= fastest || h.fastest.CompareAndSwap(fastest, speed) {
			return
		}
	}
}

// calibrate measures once a process how long rateRounds rounds take.
var calibrate = sync.OnceValue(func() time.Duration {
	const cost, tries = 5, 3
	best := time.Duration(1<<63 - 1)
	for range tries {
		began := time.Now()
		_, _ = bcrypt.GenerateFromPassword([]byte("calibration"), cost) // fails for no such cost or length
		best = min(best, time.Since(began))
	}
	return best * (rateRounds >> cost)
})
