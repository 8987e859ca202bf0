package limit

import (
	"context"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
)

// store keeps counters by the generic cell rate algorithm: one instant a name, the time at which all that was counted will
// have been forgotten. Two keep the same promises: Redis for all instances, memory for one.
type store interface {
	// count counts n events where the rate lets them in, and says how long to wait where it does not (0: counted) and how far
	// ahead of now the counter is after that. n = 0 only looks.
	count(ctx context.Context, name string, r Rate, n int) (wait, ahead time.Duration, err error)
	// forget makes a counter as new.
	forget(ctx context.Context, name string) error
	// remember makes remembers answer true for so long.
	remember(ctx context.Context, name string, d time.Duration) error
	remembers(ctx context.Context, name string) (bool, error)
}

// take lets one event in and counts it, or says how long to wait.
func take(ctx context.Context, s store, name string, r Rate) (time.Duration, error) {
	if r.N <= 0 {
		return 0, nil
	}
	wait, _, err := s.count(ctx, name, r, 1)
	return wait, err
}

// spent says how long to wait until one more event would be let in, and counts none.
func spent(ctx context.Context, s store, name string, r Rate) (time.Duration, error) {
	if r.N <= 0 {
		return 0, nil
	}
	_, ahead, err := s.count(ctx, name, r, 0)
	return max(0, ahead-time.Duration(r.Burst-1)*r.interval()), err
}

// charge counts one event beyond the burst, too.
func charge(ctx context.Context, s store, name string, r Rate) error {
	if r.N <= 0 {
		return nil
	}
	r.Burst *= maxDebt
	_, _, err := s.count(ctx, name, r, 1)
	return err
}

// exercise does with a store all that requests do, on a counter of its own.
func exercise(ctx context.Context, s store) error {
	const name = "limit:probe"
	_, _, err := s.count(ctx, name, Rate{N: 1, Period: time.Second, Burst: 1}, 1) // refused or not: it was written or is there
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

// redisStore counts with redis_rate, whose script is atomic and goes by the server's clock.
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
