// Package pause waits and heeds the context meanwhile. It does not know what for; who repeats something says how often.
package pause

import (
	"context"
	"time"
)

// For waits for d, or gives the context's error when that ends first. A context that has ended gives its error at once.
func For(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return ctx.Err()
	}
}
