package move

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
)

const uidIndex = "idx_users_firebase_uid"

func (m *Mover) finish(ctx context.Context, p claimedUser, a target) error {
	err := pg.InTx(ctx, m.pool, func(tx pgx.Tx) error { return m.finishIn(ctx, tx, p, a) })
	switch {
	case err == nil:
		return nil
	case pg.UniqueViolation(err) == uidIndex:
		return stopped(codeEmailOwned, err)
	}
	return fmt.Errorf("finish the move of user %s: %w", p.id, pg.Fault(err))
}

func (m *Mover) finishIn(ctx context.Context, tx pgx.Tx, p claimedUser, a target) error {
	vouched, err := m.vouched(ctx, tx, p)
	if pg.NoRows(err) {
		return ErrNotMovable // deleted meanwhile
	}
	if err != nil {
		return err
	}
	moved, err := m.queries.FinishMove(ctx, tx, db.FinishMoveParams{
		ID: p.id, ClaimedBy: p.claimedBy, FirebaseUID: a.uid, OnePassword: a.samePassword, EmailProven: vouched,
		FirebaseLead: m.clocks.FirebaseLead(),
	})
	if err != nil {
		return err
	}
	if moved == 0 {
		return ErrNotMovable // taken over, linked or deleted meanwhile
	}
	if err := m.unchanged(ctx, tx, p); err != nil {
		return err
	}
	if err := m.queries.EndMoveClaim(ctx, tx, db.EndMoveClaimParams{ID: p.id, ClaimedBy: p.claimedBy}); err != nil {
		return err
	}
	if _, err := m.intents.End(ctx, tx, p.change); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Event{
		Action: "user.moved", Actor: p.actor, UserID: p.id, RequestID: telemetry.RequestID(ctx),
		Details: map[string]any{"way": a.way, "firebase_uid": a.uid},
	})
}

// unchanged checks under the row's lock that Firebase received current data.
func (m *Mover) unchanged(ctx context.Context, tx pgx.Tx, p claimedUser) error {
	row, err := m.queries.UserCredentials(ctx, tx, p.id)
	if err != nil {
		return err
	}
	active := row.IsActive == nil || *row.IsActive
	if !active || row.Email != p.stored || orZero(row.PasswordHash) != p.hash {
		return ErrNotMovable
	}
	return nil
}

// release returns why. It keeps the claim where Firebase's state is unknown (M2).
func (m *Mover) release(ctx context.Context, p claimedUser, why error) error {
	var unsettled errUnsettled
	if errors.As(why, &unsettled) {
		return why
	}
	ctx, cancel := context.WithTimeout(ctx, m.patience)
	defer cancel()
	err := pg.InTx(ctx, m.pool, func(tx pgx.Tx) error { return m.releaseIn(ctx, tx, p, why) })
	if err != nil {
		m.log.WarnContext(ctx, "a claim could not be given back and will lapse", "user_id", p.id, "error", err)
	}
	return why
}

func (m *Mover) releaseIn(ctx context.Context, tx pgx.Tx, p claimedUser, why error) error {
	if err := m.queries.ReleaseMove(ctx, tx, db.ReleaseMoveParams{ID: p.id, ClaimedBy: p.claimedBy}); err != nil {
		return err
	}
	if _, err := m.intents.End(ctx, tx, p.change); err != nil {
		return err
	}
	var stop conflict
	if errors.As(why, &stop) {
		return m.queries.FailMoveClaim(ctx, tx, db.FailMoveClaimParams{ID: p.id, ClaimedBy: p.claimedBy, Failure: stop.code})
	}
	return m.queries.EndMoveClaim(ctx, tx, db.EndMoveClaimParams{ID: p.id, ClaimedBy: p.claimedBy})
}
