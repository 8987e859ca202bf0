package fbsync

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"auth-v2-service/internal/sleep"
	"auth-v2-service/internal/telemetry"
)

const look = time.Minute

// Every reconciles once a period, across all instances, until ctx ends. 0 means never.
func (r *Reconciler) Every(ctx context.Context, every time.Duration) error {
	if every <= 0 {
		return nil
	}
	for wait := time.Duration(0); sleep.Context(ctx, look+apart()+wait) == nil; {
		wait = r.inTurn(ctx, every)
	}
	return nil
}

// apart spreads the instances.
func apart() time.Duration {
	return time.Duration(rand.Int64N(int64(look))) //nolint:gosec // jitter is no secret
}

func (r *Reconciler) inTurn(ctx context.Context, every time.Duration) (wait time.Duration) {
	report, err := r.runAfter(ctx, RunOptions{Actor: "system"}, every)
	switch {
	case errors.Is(err, ErrNotNow) || ctx.Err() != nil:
		return 0
	case err != nil:
		r.Logger.WarnContext(ctx, "reconciling with Firebase was stopped", telemetry.FieldError, err)
		return min(time.Hour, every)
	}
	r.Logger.InfoContext(ctx, "reconciled with Firebase", "reconcile.listed", report.Listed, "reconcile.owed", report.Owed,
		"reconcile.updated", report.Updated, "reconcile.failed", report.Failed, "reconcile.gone", report.Gone,
		"reconcile.cleared", report.Cleared, "reconcile.took", report.Took.Seconds())
	return 0
}
