package limit

import (
	"context"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
)

// store counts by the generic cell rate algorithm: per name, the instant when all is forgotten.
type store interface {
	// count returns wait 0 if it counted; ahead is the counter's distance from now. n = 0 only looks.
	count(ctx context.Context, name string, r Rate, n int) (wait, ahead time.Duration, err error)
	forget(ctx context.Context, name string) error
	remember(ctx context.Context, name string, d time.Duration) error
	remembers(ctx context.Context, name string) (bool, error)
}

func take(ctx context.Context, s store, name string, r Rate) (time.Duration, error) {
	if r.N <= 0 {
		return 0, nil
	}
	wait, _, err := s.count(ctx, name, r, 1)
	return wait, err
}

// spent returns the wait without counting.
func spent(ctx context.Context, s store, name string, r Rate) (time.Duration, error) {
	if r.N <= 0 {
		return 0, nil
	}
	_, ahead, err := s.count(ctx, name, r, 0)
	return max(0, ahead-time.Duration(r.Burst-1)*r.interval()), err
}

// charge counts beyond the burst.
func charge(ctx context.Context, s store, name string, r Rate) error {
	if r.N <= 0 {
		return nil
	}
	r.Burst *= maxDebt
	_, _, err := s.count(ctx, name, r, 1)
	return err
}

func exercise(ctx context.Context, s store) error {
	const name = "limit:probe"
	_, _, err := s.count(ctx, name, Rate{N: 1, Period: time.Second, Burst: 1}, 1) // a refusal proves the store too
	if err == nil {
		err = s.remember(ctx, name, time.Second)
	}
	if err == nil {
		_, err = s.remembers(ctx, name)
	}
	if err == nil {
		err = s.forget(ctx, name)
	}
	return err
}

// redisStore's script is atomic and uses the server's clock.
type redisStore struct {
	client redis.UniversalClient
	rates  *redis_rate.Limiter
}

func newRedisStore(client redis.UniversalClient) *redisStore {
	return &redisStore{client: client, rates: redis_rate.NewLimiter(client)}
}

func (s *redisStore) count(ctx context.Context, name string, r Rate, n int) (wait, ahead time.Duration, err error) {
	result, err := s.rates.AllowN(ctx, name, redis_rate.Limit{Rate: r.N, Period: r.Period, Burst: r.Burst}, n)
	if err != nil {
		return 0, 0, err
	}
	return max(0, result.RetryAfter), result.ResetAfter, nil
}

func (s *redisStore) forget(ctx context.Context, name string) error { return s.rates.Reset(ctx, name) }

func (s *redisStore) remember(ctx context.Context, name string, d time.Duration) error {
	return s.client.Set(ctx, name, 1, d).Err()
}

func (s *redisStore) remembers(ctx context.Context, name string) (bool, error) {
	found, err := s.client.Exists(ctx, name).Result()
	return found > 0, err
}
