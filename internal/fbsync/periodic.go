package fbsync

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"auth-v2-service/internal/sleep"
	"auth-v2-service/internal/telemetry"
)

// look is how often an instance looks whether it is time to reconcile. The database says so, once for all of them.
const look = time.Minute

// Every reconciles once in that time, whichever of the instances comes first, until ctx ends; 0: never. A run that was stopped is
// tried again after an hour: what stops it is an outage, or wants an operator, whom the log and the audit tell.
func (r *Reconciler) Every(ctx context.Context, every time.Duration) error {
	if every <= 0 {
		return nil
	}
	for wait := time.Duration(0); sleep.Context(ctx, look+apart()+wait) == nil; {
		wait = r.inTurn(ctx, every)
	}
	return nil // what cuts the waiting short is the end
}

// apart keeps instances from looking at the same moment.
func apart() time.Duration {
	return time.Duration(rand.Int64N(int64(look))) //nolint:gosec // nobody gains by guessing it
}

// inTurn reconciles if it is time and nobody else is at it, and says how much longer than usual the next look is to wait.
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
