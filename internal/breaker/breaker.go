package breaker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/fault"
)

// ProbeEvery is the time to the next probe.
const ProbeEvery = time.Second

var errSlow = errors.New("no answer in time")

// Options configures a Breaker. Probe and Patience are required.
type Options struct {
	// Failures in a row open the breaker. Zero: 1.
	Failures uint
	// Probe tries all that callers do. PING does not show that Redis refuses writes.
	Probe func(context.Context) error
	// Patience bounds a probe.
	Patience time.Duration
	// Down is called once an outage; Up is called after it.
	Down func(context.Context, error)
	Up   func(context.Context)
}

// Breaker stops callers after failures until a background probe succeeds: an outage delays only requests under way. Safe for concurrent
// use.
type Breaker struct {
	circuit circuitbreaker.CircuitBreaker[any]
	options Options

	mu       sync.Mutex
	reported bool
}

// New returns a closed breaker.
func New(o Options) *Breaker {
	if o.Down == nil {
		o.Down = func(context.Context, error) {}
	}
	if o.Up == nil {
		o.Up = func(context.Context) {}
	}
	circuit := circuitbreaker.NewBuilder[any]().
		WithFailureThreshold(max(o.Failures, 1)).WithDelay(ProbeEvery).WithSuccessThreshold(1).Build()
	return &Breaker{circuit: circuit, options: o}
}

// Allow reports whether the server may be asked. Record follows.
func (b *Breaker) Allow(ctx context.Context) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.circuit.IsClosed() {
		return true
	}
	if b.circuit.TryAcquirePermit() {
		go b.probe(ctx)
	}
	return false
}

// Record counts an answer. Once open, only a probe closes the breaker.
func (b *Breaker) Record(ctx context.Context, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.circuit.IsClosed() {
		return
	}
	b.circuit.RecordError(err)
	if b.circuit.IsClosed() {
		return
	}
	// A refusal may concern one key only.
	var refusal redis.Error
	if errors.As(err, &refusal) {
		b.circuit.HalfOpen()
		if b.circuit.TryAcquirePermit() {
			go b.probe(ctx)
		}
		return
	}
	b.reportDown(ctx, err)
}

// probe outlives its request.
func (b *Breaker) probe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.options.Patience)
	defer cancel()
	_, err := Within(ctx, func() (struct{}, error) { return struct{}{}, b.options.Probe(ctx) })
	b.mu.Lock()
	defer b.mu.Unlock()
	b.circuit.RecordError(err)
	if err != nil {
		b.reportDown(ctx, err)
		return
	}
	if b.reported {
		b.reported = false
		b.options.Up(ctx)
	}
}

func (b *Breaker) reportDown(ctx context.Context, err error) {
	if !b.reported {
		b.reported = true
		b.options.Down(ctx, err)
	}
}

// Within enforces the deadline, which go-redis may exceed in its pool, dialling and retries.
func Within[T any](ctx context.Context, call func() (T, error)) (T, error) {
	type outcome struct {
		answer T
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() { done <- o }()
		defer fault.Recover(&o.err)
		o.answer, o.err = call()
	}()
	select {
	case o := <-done:
		return o.answer, o.err
	case <-ctx.Done():
		var none T
		return none, errSlow
	}
}
