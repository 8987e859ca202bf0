package limit

import (
	"context"
	"time"

	"auth-v2-service/internal/breaker"
	"auth-v2-service/internal/telemetry"
)

// sharedStore is Redis behind a breaker, or nothing.
type sharedStore struct {
	redis    store // nil without Redis
	patience time.Duration
	breaker  *breaker.Breaker
}

func newSharedStore(o Options) *sharedStore {
	s := &sharedStore{patience: o.Patience}
	if o.Redis == nil {
		return s
	}
	s.redis = newRedisStore(o.Redis)
	s.breaker = breaker.New(breaker.Options{
		Patience: o.Patience,
		Probe:    func(ctx context.Context) error { return exercise(ctx, s.redis) },
		Down: func(ctx context.Context, err error) {
			o.Logger.WarnContext(ctx, "Redis does not serve, limits are counted in this process", telemetry.FieldError, err)
		},
		Up: func(ctx context.Context) { o.Logger.InfoContext(ctx, "limits are shared through Redis again") },
	})
	return s
}

// bound ignores cancellation: a guesser could avoid being counted.
func (s *sharedStore) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), s.patience)
}

// ask returns zero without Redis. ctx comes from bound.
func ask[T any](ctx context.Context, s *sharedStore, question func(store) (T, error)) T {
	var none T
	if s.redis == nil || !s.breaker.Allow(ctx) {
		return none
	}
	answer, err := breaker.Within(ctx, func() (T, error) { return question(s.redis) })
	s.breaker.Record(ctx, err)
	if err != nil {
		return none
	}
	return answer
}
