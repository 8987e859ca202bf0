package detach_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"auth-v2-service/internal/detach"
)

func TestContext_EndsWithTheDeadlineOrTheLimit(t *testing.T) {
	for name, c := range map[string]struct{ deadline, limit, want time.Duration }{
		"the limit is nearer":    {8 * time.Second, 5 * time.Second, 5 * time.Second},
		"the deadline is nearer": {3 * time.Second, 5 * time.Second, 3 * time.Second},
		"no deadline":            {0, 5 * time.Second, 5 * time.Second},
		"no time is left":        {time.Nanosecond, 5 * time.Second, time.Nanosecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, hangUp := context.WithCancel(t.Context())
			if c.deadline > 0 {
				ctx, hangUp = context.WithTimeout(t.Context(), c.deadline)
			}
			began := time.Now()
			detached, cancel := detach.Context(ctx, c.limit)
			defer cancel()
			hangUp()
			if err := detached.Err(); err != nil {
				t.Errorf("%s: ended with its caller: %v", name, err)
			}
			<-detached.Done()
			if took := time.Since(began); took != c.want {
				t.Errorf("%s: ended after %s, expected %s", name, took, c.want)
			}
		})
	}
}
