package move

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/intent"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/user"
)

// SettleMove ends an interrupted move after its lapse (M2). It links the row if Firebase has the account and otherwise restores it. settled
// is false while another try may work.
func (m *Mover) SettleMove(ctx context.Context, i intent.Intent) (settled bool, err error) {
	row, err := m.queries.MoveUnderWay(ctx, m.pool, db.MoveUnderWayParams{ID: i.UserID, Began: i.Began})
	if pg.NoRows(err) || err == nil && !row.UnderWay {
		return true, m.intents.Drop(ctx, i.ID)
	}
	if err != nil {
		return false, fmt.Errorf("read the move of user %s: %w", i.UserID, pg.Fault(err))
	}
	taken, err := m.takeOver(ctx, m.pool, []uuid.UUID{i.UserID}, uuid.NewString())
	if err != nil {
		return false, fmt.Errorf("take over user %s: %w", i.UserID, pg.Fault(err))
	}
	if len(taken) == 0 {
		return false, nil
	}
	p := taken[0]
	p.change, p.actor = i.ID, i.Actor
	err = m.resolve(ctx, p, i, row.AnotherPassword)
	switch {
	case err == nil:
		m.onChange(ctx, i.UserID)
		return true, nil
	case errors.Is(err, ErrConflict), errors.Is(err, ErrNotMovable):
		_ = m.release(ctx, p, err)
		return false, nil // the next run finds the intent ended
	}
	return false, err
}

// resolve returns ErrNotMovable where no account exists (M2).
func (m *Mover) resolve(ctx context.Context, p claimedUser, i intent.Intent, anotherPassword bool) error {
	there, err := m.identities.User(ctx, i.FirebaseUID)
	switch {
	case errors.Is(err, firebase.ErrUserNotFound):
		return ErrNotMovable
	case err != nil:
		return fmt.Errorf("look for the account of user %s: %w", p.id, err)
	case anotherPassword:
		return stopped(codeAnotherPassword, nil)
	}
	email, err := user.CanonicalEmail(p.stored)
	if err != nil {
		return stopped(codeInvalidEmail, err)
	}
	if current, err := user.CanonicalEmail(there.Email); err != nil || current != email {
		return stopped(codeUIDTaken, err)
	}
	if p.rehashed {
		return m.withdrawFormer(ctx, p)
	}
	began := i.Began.Add(time.Duration(m.clocks.FirebaseLead() * float64(time.Second))) // as Firebase dates passwords
	return m.finish(ctx, p, target{
		uid: there.UID, email: email, way: wayFound,
		samePassword: there.PasswordUpdatedAt.Before(began.Add(2 * m.limit)), // unchanged since the import
	})
}
