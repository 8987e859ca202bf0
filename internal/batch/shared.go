package batch

import (
	"context"
	"time"

	"golang.org/x/sync/singleflight"

	"auth-v2-service/internal/fault"
)

// Shared shares one answer between concurrent callers. It caches nothing. The zero value is ready. It is safe for concurrent use.
type Shared[A any] struct{ group singleflight.Group }

// Ask runs ask once at a time for a key, for at most limit, also after its first caller's cancellation. A panic becomes an error.
func (s *Shared[A]) Ask(
	ctx context.Context, key string, limit time.Duration, ask func(context.Context) (A, error),
) (answer A, err error) {
	answered := s.group.DoChan(key, func() (found any, err error) {
		defer fault.Recover(&err)
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
		defer cancel()
		return ask(within)
	})
	select {
	case result := <-answered:
		answer, _ = result.Val.(A) // nil after a panic
		return answer, result.Err
	case <-ctx.Done():
		return answer, ctx.Err()
	}
}
