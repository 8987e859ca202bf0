// Package sleep waits while a context lasts. It does not know what the wait is for; the caller says how often something is repeated.
package sleep

import (
	"context"
	"time"
)

// Context waits for d, or gives the context's error when that ends first. A context that has ended gives its error at once.
func Context(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return ctx.Err()
	}
}
