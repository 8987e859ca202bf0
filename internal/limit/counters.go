package limit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/telemetry"
)

// probeEvery is how often Redis is tried while it is away.
const probeEvery = time.Second

var errSlow = errors.New("no answer in time")

// counters asks Redis, and this process where Redis is away. After one failure Redis is not asked again until it has
// answered a probe, so that an outage costs the requests under way their patience and the later ones nothing. The probe is
// made beside a request, not within one.
type counters struct {
	redis    store // nil: there is none
	memory   store
	ping     func(context.Context) error
	patience time.Duration
	log      *slog.Logger

	mu      sync.Mutex
	away    bool
	probing bool
	probed  time.Time
}

func newCounters(o Options) *counters {
	c := &counters{memory: newMemoryStore(o.Clock), patience: o.Patience, log: o.Logger}
	if o.Redis != nil {
		c.redis = newRedisStore(o.Redis)
		c.ping = func(ctx context.Context) error { return o.Redis.Ping(ctx).Err() }
	}
	return c
}

// ask puts one question to Redis, or to memory. The caller's hanging up does not end it: else a guesser would hang up
// before the failure is counted.
func ask[T any](ctx context.Context, c *counters, question func(context.Context, store) (T, error)) T {
	ctx = context.WithoutCancel(ctx)
	if c.present(ctx) {
		answer, err := within(ctx, c.patience, func(ctx context.Context) (T, error) { return question(ctx, c.redis) })
		if err == nil {
			return answer
		}
		c.lose(ctx, err)
	}
	answer, _ := question(ctx, c.memory) // memory does not fail
	return answer
}

// everywhere tells Redis and memory, so that memory knows what matters when Redis goes away.
func (c *counters) everywhere(ctx context.Context, tell func(context.Context, store) error) {
	ctx = context.WithoutCancel(ctx)
	_ = tell(ctx, c.memory)
	if !c.present(ctx) {
		return
	}
	if _, err := within(ctx, c.patience, func(ctx context.Context) (struct{}, error) { return struct{}{}, tell(ctx, c.redis) }); err != nil {
		c.lose(ctx, err)
	}
}

// within bounds a call whatever the client's own time-outs are: go-redis heeds a context's deadline on the wire only where
// it was told to, and waits for its pool, its dialling and its retries besides.
func within[T any](ctx context.Context, patience time.Duration, call func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	type outcome struct {
		answer T
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() { done <- o }()
		defer fault.Recover(&o.err) // the library trusts the shape of Redis' answers
		o.answer, o.err = call(ctx)
	}()
	select {
	case o := <-done:
		return o.answer, o.err
	case <-ctx.Done():
		var none T
		return none, errSlow
	}
}

// present says whether Redis is to be asked, and has it probed when it is time. ctx is never cancelled: see ask.
func (c *counters) present(ctx context.Context) bool {
	if c.redis == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.away && !c.probing && time.Since(c.probed) >= probeEvery {
		c.probing = true
		go c.probe(ctx)
	}
	return !c.away
}

func (c *counters) probe(ctx context.Context) {
	_, err := within(ctx, c.patience, func(ctx context.Context) (struct{}, error) { return struct{}{}, c.ping(ctx) })
	c.mu.Lock()
	defer c.mu.Unlock()
	c.probing, c.probed = false, time.Now()
	if err == nil {
		c.away = false
		c.log.Info("limits are shared through Redis again")
	}
}

func (c *counters) lose(ctx context.Context, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.away {
		return
	}
	c.away, c.probed = true, time.Now()
	c.log.WarnContext(ctx, "Redis is away, limits are counted in this process", telemetry.FieldError, err)
}
