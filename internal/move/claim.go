package move

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/user"
)

// person is the row as it was claimed, and the claim. The hash never leaves this room but for Firebase.
type person struct {
	id                   uuid.UUID
	claimedBy            string
	takenOver            bool   // from somebody who may have asked Firebase already
	stored               string // the address as the row has it
	username             string
	admin                bool
	hash                 string
	createdAt, lastLogin time.Time
}

// claim takes the row for this try alone (M2), from nobody or from somebody whose claim has lapsed. Each try has a name of its
// own: one that was taken for dead and goes on all the same cannot finish.
func (m *Mover) claim(ctx context.Context, id uuid.UUID) (person, error) {
	by := uuid.NewString()
	row, err := m.queries.ClaimMoveCredentials(ctx, m.pool, db.ClaimMoveCredentialsParams{ID: id, ClaimedBy: by})
	if pg.NoRows(err) {
		return m.takeOver(ctx, id, by)
	}
	if err != nil {
		return person{}, fmt.Errorf("claim user %s: %w", id, pg.Fault(err))
	}
	return toPerson(row, by), nil
}

func (m *Mover) takeOver(ctx context.Context, id uuid.UUID, by string) (person, error) {
	row, err := m.queries.TakeOverMoveCredentials(ctx, m.pool, db.TakeOverMoveCredentialsParams{
		ID: id, ClaimedBy: by, LapseSeconds: m.lapse.Seconds(),
	})
	if pg.NoRows(err) {
		// A lapsed claim on a row that is not under way any more (linked since, say) has just become ours: it goes, or the row
		// could never be claimed again.
		if err := m.queries.EndMoveClaim(ctx, m.pool, db.EndMoveClaimParams{ID: id, ClaimedBy: by}); err != nil {
			return person{}, fmt.Errorf("end the claim of user %s: %w", id, pg.Fault(err))
		}
		return person{}, ErrNotMovable
	}
	if err != nil {
		return person{}, fmt.Errorf("take over user %s: %w", id, pg.Fault(err))
	}
	p := toPerson(db.ClaimMoveCredentialsRow(row), by)
	p.takenOver = true
	return p, nil
}

func toPerson(row db.ClaimMoveCredentialsRow, by string) person {
	return person{
		id: row.ID, claimedBy: by, stored: row.Email, username: orZero(row.Username),
		admin: orZero(row.UserType) == user.TypeAdmin, hash: orZero(row.PasswordHash),
		createdAt: orZero(row.CreatedAt), lastLogin: orZero(row.LastLogin),
	}
}

func orZero[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}
