// Package detach makes the contexts of changes that outlive their caller.
package detach

import (
	"context"
	"time"
)

// Context returns a context that ignores the cancellation of ctx, so that a change, once begun, completes although the caller has
// hung up. It ends with the deadline of ctx, and after limit at the latest: no change takes longer than its request has left.
func Context(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	end := time.Now().Add(limit)
	if deadline, bounded := ctx.Deadline(); bounded && deadline.Before(end) {
		end = deadline
	}
	return context.WithDeadline(context.WithoutCancel(ctx), end)
}
