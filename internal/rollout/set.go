package rollout

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/operator"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
)

const attempts = 100

var (
	errOvertaken = errors.New("another change came between")
	errContested = fault.Unavailable("the rollout is being changed by others all the time; try again in a moment", nil)
)

// Set applies a change and audits it in the same transaction (R5, O4). Concurrent changes are not lost; one without a difference is not
// recorded. Errors: ErrInvalid, ErrStale, ErrUndecided, those of operator.Hold, or dependency_unavailable.
func Set(ctx context.Context, pool pg.Beginner, change Change, actor string) (before, after Record, err error) {
	for range attempts {
		err = pg.InTx(ctx, pool, func(tx pgx.Tx) (err error) {
			before, after, err = setIn(ctx, tx, change, actor)
			return err
		})
		switch {
		case err == nil:
			return before, after, nil
		case !errors.Is(err, errOvertaken):
			return Record{}, Record{}, fmt.Errorf("set the rollout: %w", pg.Fault(err))
		}
	}
	return Record{}, Record{}, errContested.With(err)
}

func setIn(ctx context.Context, tx pgx.Tx, change Change, actor string) (before, after Record, err error) {
	if _, err = operator.Hold(ctx, tx, change.By); err != nil {
		return before, after, err
	}
	if before, err = Load(ctx, tx); err != nil {
		return before, after, err
	}
	if after, err = change.applied(before); err != nil {
		return before, after, err
	}
	changes := differences(before, after)
	if len(changes) == 0 {
		return before, before, nil
	}
	row, err := db.New().SetRollout(ctx, tx, toRow(after, actor))
	if pg.NoRows(err) {
		return before, after, errOvertaken
	}
	if err != nil {
		return before, after, err
	}
	changes["revision"] = row.Revision
	return before, fromRow(db.RolloutRow(row)), audit.Record(ctx, tx, audit.Event{
		Action: "rollout.changed", Actor: actor, RequestID: telemetry.RequestID(ctx), Details: changes,
	})
}

func toRow(r Record, actor string) db.SetRolloutParams {
	return db.SetRolloutParams{
		UsersBuckets: int32(r.UsersBuckets), TrafficBuckets: int32(r.TrafficBuckets), //nolint:gosec // 0 to 10,000
		NewUsers: r.NewUsers, Allow: r.Allow, Deny: r.Deny, BelowFullTraffic: r.BelowFullTraffic,
		UpdatedBy: actor, Revision: r.Revision,
	}
}
