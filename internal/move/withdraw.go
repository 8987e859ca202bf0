package move

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/pg"
)

// Codes of rows that cannot move.
const (
	CodeMoved       = "moved_already" // by a sign-in, or linked
	CodeDeactivated = "deactivated"
	CodeDeleted     = "deleted"
	CodeNotLocal    = "not_local"
	CodeReturned    = "returned" // from Firebase, where its account stays
	CodeClaimed     = "claimed"  // by another try
	CodeChanged     = "changed"  // password, address or type
)

type notMovable struct{ code string }

func (n notMovable) Error() string { return ErrNotMovable.Error() + ": " + n.code }

func (notMovable) Unwrap() error { return ErrNotMovable }

// NotMovable returns the codes of users that cannot move, such as CodeMoved.
func (m *Mover) NotMovable(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	why, _, err := m.states(ctx, ids, "")
	codes := make(map[uuid.UUID]string, len(why))
	for id, not := range why {
		codes[id] = not.code
	}
	return codes, err
}

// states tells why rows cannot move. by is the caller's claim, or "".
func (m *Mover) states(ctx context.Context, ids []uuid.UUID, by string) (map[uuid.UUID]notMovable, map[uuid.UUID]bool, error) {
	if len(ids) == 0 {
		return nil, nil, nil
	}
	rows, err := m.queries.MoveStates(ctx, m.pool, ids)
	if err != nil {
		return nil, nil, fmt.Errorf("look why users are not moved: %w", pg.Fault(err))
	}
	why, held := make(map[uuid.UUID]notMovable, len(ids)), map[uuid.UUID]bool{}
	for _, id := range ids {
		why[id], held[id] = notMovable{CodeDeleted}, true // the claim went with the row
	}
	for _, row := range rows {
		held[row.ID] = row.ClaimedBy == by
		why[row.ID] = notMovable{codeOf(row, held[row.ID])}
	}
	return why, held, nil
}

func codeOf(row db.MoveStatesRow, held bool) string {
	switch {
	case row.Local && row.Returned:
		return CodeReturned
	case row.FirebaseUID != "":
		return CodeMoved
	case !row.Local:
		return CodeNotLocal
	case row.Syncing && !held:
		return CodeClaimed
	case !row.Active:
		return CodeDeactivated
	}
	return CodeChanged
}

// withdraw deletes the unused account of a row that changed since the import: the passwords differ (M7). It returns why.
func (m *Mover) withdraw(ctx context.Context, u provided) error {
	why, held, err := m.states(ctx, []uuid.UUID{u.id}, u.claimedBy)
	if err != nil {
		return errUnsettled{err}
	}
	reason := why[u.id]
	if !held[u.id] || reason.code == CodeMoved || reason.code == CodeReturned || u.target.uid != u.id.String() {
		return reason
	}
	if err := m.deleteUnused(ctx, u.claimedUser); err != nil {
		return err
	}
	return reason
}

// withdrawFormer deletes the unused account of a former hash. The next claim imports the row's own.
func (m *Mover) withdrawFormer(ctx context.Context, p claimedUser) error {
	if err := m.deleteUnused(ctx, p); err != nil {
		return err
	}
	return notMovable{CodeChanged}
}

// deleteUnused looks, disables, looks again and deletes. A used account stays.
func (m *Mover) deleteUnused(ctx context.Context, p claimedUser) error {
	uid := p.id.String()
	for _, step := range []func() error{
		func() error { return m.unused(ctx, p) },
		func() error { return m.identities.SetDisabled(ctx, uid, true) },
		func() error {
			err := m.unused(ctx, p)
			if errors.Is(err, ErrConflict) {
				return errors.Join(err, m.identities.SetDisabled(ctx, uid, false))
			}
			return err
		},
		func() error {
			failures, err := m.identities.BatchDelete(ctx, []string{uid}, false)
			if err == nil && len(failures) > 0 {
				err = failures[0].Err
			}
			return err
		},
	} {
		switch err := step(); {
		case err == nil:
		case errors.Is(err, firebase.ErrUserNotFound):
			return nil
		case errors.Is(err, ErrConflict):
			return err
		default:
			return errUnsettled{fmt.Errorf("take the account of user %s back: %w", p.id, err)}
		}
	}
	return nil
}

func (m *Mover) unused(ctx context.Context, p claimedUser) error {
	there, err := m.identities.User(ctx, p.id.String())
	if err != nil {
		return err
	}
	signedIn := !there.LastSignInAt.Equal(p.lastLogin) && there.LastSignInAt.UnixMilli() != p.lastLogin.UnixMilli()
	if signedIn || len(there.Providers) > 1 {
		return stopped(codeAccountUsed, nil)
	}
	return nil
}
