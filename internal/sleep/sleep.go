// Package sleep waits while a context lasts.
package sleep

import (
	"context"
	"time"
)

// Context waits for d or returns ctx's error.
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
