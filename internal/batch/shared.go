package batch

import (
	"context"
	"time"

	"golang.org/x/sync/singleflight"

	"auth-v2-service/internal/fault"
)

// Shared lets callers that ask the same question at the same time share one answer. Nothing is kept: the next question after the answer
// is asked anew, and an error is shared by those who waited for it alone. The zero value is ready. Safe for concurrent use.
type Shared[A any] struct{ group singleflight.Group }

// Ask answers what ask gives for key. ask runs for limit at most, and goes on when the caller that began it leaves: others may wait for it.
// A caller waits no longer than its context says. A panic of ask is an error of all that wait.
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
