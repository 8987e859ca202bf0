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

// probeEvery is how often Redis is tried while it is away.
const probeEvery = time.Second

var errSlow = errors.New("no answer in time")

// breaker is between requests and Redis. After one failure Redis is not asked again until a probe has succeeded, so that an
// outage costs the requests under way their patience and the later ones nothing. The probe does what requests do: a Redis that
// answers PING may refuse to write. It runs beside a request, not within one.
type breaker struct {
	redis    store // nil: there is none
	patience time.Duration
	log      *slog.Logger

	mu      sync.Mutex
	away    bool
	told    bool // the log says that Redis is away
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

// bound is the time that one request may lose to Redis. The caller's hanging up does not end it: else a guesser would hang up
// before the failure is counted.
func (b *breaker) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), b.patience)
}

// ask gives Redis' answer to a question within ctx, which bound has made; nothing where Redis is away.
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

// within bounds a call whatever the client's own time-outs are: go-redis heeds a context's deadline on the wire only where
// it was told to, and waits for its pool, its dialling and its retries besides.
func within[T any](ctx context.Context, call func() (T, error)) (T, error) {
	type outcome struct {
		answer T
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() { done <- o }()
		defer fault.Recover(&o.err) // the library trusts the shape of Redis' answers
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

// closed says whether Redis is to be asked, and has it probed when it is time.
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

// probe has its own time, for it outlives the request that it is made beside.
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

// open keeps requests from Redis from now on. A refusal may be about one key or about Redis: a probe at once says which.
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

// tell logs the beginning of an outage once.
func (b *breaker) tell(ctx context.Context, err error) {
	if !b.told {
		b.told = true
		b.log.WarnContext(ctx, "Redis does not serve, limits are counted in this process", telemetry.FieldError, err)
	}
}
