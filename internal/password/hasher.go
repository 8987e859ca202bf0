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

// ErrBusy reports that no time is left.
var ErrBusy = fault.Unavailable("too many passwords are checked at this moment; try again", nil)

// OnWork's lanes. LaneScrypt's work runs in the places of LaneUsual.
const (
	LaneUsual  = "usual"
	LaneHeavy  = "heavy"
	LaneScrypt = "scrypt"
)

// Options configures a Hasher.
type Options struct {
	// Cost is for tests.
	Cost int
	// MaxCost defaults to DefaultMaxCost.
	MaxCost int
	// OnWork receives each computation before it begins.
	OnWork func(lane string, rounds int)
}

// Hasher computes hashes in a bounded number of places. Safe for concurrent use.
type Hasher struct {
	cost         int
	maxCost      int
	onWork       func(lane string, rounds int)
	usual, heavy lane
	fastest      atomic.Int64 // nanoseconds for rateRounds
	stopped      chan struct{}
	stop         sync.Once
	compare      func(hash, password []byte) error
	derive       func(password, salt []byte, memory, rounds int) ([]byte, error)
	generate     func(password []byte, cost int) ([]byte, error)
}

type lane struct {
	name   string
	places chan struct{}
}

// New returns a Hasher.
func New(o Options) *Hasher {
	if o.OnWork == nil {
		o.OnWork = func(string, int) {}
	}
	h := &Hasher{
		cost: cmp.Or(o.Cost, DefaultCost), maxCost: cmp.Or(o.MaxCost, DefaultMaxCost), onWork: o.OnWork,
		usual:   lane{LaneUsual, make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))},
		heavy:   lane{LaneHeavy, make(chan struct{}, 1)},
		stopped: make(chan struct{}),
		compare: bcrypt.CompareHashAndPassword, generate: bcrypt.GenerateFromPassword, derive: deriveScrypt,
	}
	h.fastest.Store(int64(calibrate()))
	return h
}

// MaxCost returns the highest checked cost.
func (h *Hasher) MaxCost() int16 { return int16(h.maxCost) } //nolint:gosec // at most 31

// Stop makes all calls return ErrBusy, so that no hash delays a shutdown.
func (h *Hasher) Stop() { h.stop.Do(func() { close(h.stopped) }) }

// Hash returns Unusable beyond 72 bytes (A6). The error is ErrBusy.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if len(password) > maxBytes {
		return Unusable, nil
	}
	return compute(ctx, h, h.usual, 1<<h.cost, func() (string, error) {
		h.onWork(h.usual.name, 1<<h.cost)
		began := time.Now()
		hash, err := h.generate([]byte(password), h.cost)
		h.noteTime(1<<h.cost, time.Since(began))
		if err != nil {
			return "", fmt.Errorf("hash a password: %w", err)
		}
		return string(hash), nil
	})
}

// Verify takes all bcrypt dialects. Like the legacy service, it ignores bytes after the 72nd. Errors: ErrMismatch, ErrNotBcrypt,
// ErrTooCostly, ErrBusy.
func (h *Hasher) Verify(ctx context.Context, hash, password string) error {
	return h.Attempt().Verify(ctx, hash, password)
}

func (h *Hasher) check(l lane, cost int, hash, password string) error {
	h.onWork(l.name, 1<<cost)
	began := time.Now()
	err := h.compare([]byte(hash), []byte(password))
	h.noteTime(1<<cost, time.Since(began))
	if err != nil {
		return ErrMismatch
	}
	return nil
}

// compute begins nothing that ctx's time cannot hold. When ctx ends, do keeps its place until its end.
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
		r.value, r.err = do()
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

func (h *Hasher) fits(ctx context.Context, rounds int) bool {
	deadline, bounded := ctx.Deadline()
	return !bounded || h.timeOf(rounds) <= time.Until(deadline)
}

const rateRounds = 1 << DefaultCost

func (h *Hasher) timeOf(rounds int) time.Duration {
	return time.Duration(float64(h.fastest.Load()) * float64(rounds) / rateRounds)
}

// A slow computation proves nothing: the machine may be busy.
func (h *Hasher) noteTime(rounds int, took time.Duration) {
	speed := int64(float64(took) * rateRounds / float64(rounds))
	for {
		fastest := h.fastest.Load()
		if speed <= 0 || speed >= fastest || h.fastest.CompareAndSwap(fastest, speed) {
			return
		}
	}
}

var calibrate = sync.OnceValue(func() time.Duration {
	const cost, tries = 5, 3
	best := time.Duration(1<<63 - 1)
	for range tries {
		began := time.Now()
		_, _ = bcrypt.GenerateFromPassword([]byte("calibration"), cost)
		best = min(best, time.Since(began))
	}
	return best * (rateRounds >> cost)
})
