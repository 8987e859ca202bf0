package limit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/telemetry"
)

const probeEvery = time.Second

var errSlow = errors.New("no answer in time")

// breaker stops asking Redis after one failure, until a probe succeeds: an outage delays only requests under way. The probe writes, since
// PING does not show that Redis refuses writes.
type breaker struct {
	redis    store
	patience time.Duration
	log      *slog.Logger

	mu      sync.Mutex
	away    bool
	told    bool
	probing bool
	probed  time.Time
}

func newBreaker(o Options) *breaker {
	b := &breaker{patience: o.Patience, log: o.Logger}
	if o.Redis != nil {
		b.redis = newRedisStore(o.Redis)
	}
	return b
}

// bound ignores cancellation: a guesser could avoid being counted.
func (b *breaker) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), b.patience)
}

// ask returns zero without Redis. ctx comes from bound.
func ask[T any](ctx context.Context, b *breaker, question func(store) (T, error)) T {
	var none T
	if !b.closed(ctx) {
		return none
	}
	answer, err := within(ctx, func() (T, error) { return question(b.redis) })
	if err != nil {
		b.open(ctx, err)
		return none
	}
	return answer
}

// within enforces the deadline, which go-redis may exceed on the wire and in its pool, dialling and retries.
func within[T any](ctx context.Context, call func() (T, error)) (T, error) {
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

func (b *breaker) closed(ctx context.Context) bool {
	if b.redis == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away && !b.probing && time.Since(b.probed) >= probeEvery {
		b.probing = true
		go b.probe(ctx)
	}
	return !b.away
}

// probe outlives its request.
func (b *breaker) probe(ctx context.Context) {
	ctx, cancel := b.bound(ctx)
	defer cancel()
	_, err := within(ctx, func() (struct{}, error) { return struct{}{}, exercise(ctx, b.redis) })
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing, b.probed = false, time.Now()
	if err != nil {
		b.tell(ctx, err)
		return
	}
	if b.told {
		b.log.InfoContext(ctx, "limits are shared through Redis again")
	}
	b.away, b.told = false, false
}

// open probes at once after a refusal, which may concern one key only.
func (b *breaker) open(ctx context.Context, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return
	}
	b.away, b.probed = true, time.Now()
	var refusal redis.Error
	if errors.As(err, &refusal) {
		b.probing = true
		go b.probe(ctx)
		return
	}
	b.tell(ctx, err)
}

func (b *breaker) tell(ctx context.Context, err error) {
	if !b.told {
		b.told = true
		b.log.WarnContext(ctx, "Redis does not serve, limits are counted in this process", telemetry.FieldError, err)
	}
}
