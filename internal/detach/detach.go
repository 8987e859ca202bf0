// Package detach makes contexts that ignore their caller's cancellation.
package detach

import (
	"context"
	"time"
)

// Context ignores cancellation, keeps ctx's deadline and ends after limit.
func Context(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	end := time.Now().Add(limit)
	if deadline, bounded := ctx.Deadline(); bounded && deadline.Before(end) {
		end = deadline
	}
	return context.WithDeadline(context.WithoutCancel(ctx), end)
}
