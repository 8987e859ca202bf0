package move

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/intent"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/user"
)

// The hash leaves this package for Firebase only.
type claimedUser struct {
	id                   uuid.UUID
	claimedBy            string
	change               uuid.UUID
	actor                string
	takenOver            bool    // Firebase may have the account already
	rehashed             bool    // takenOver with another hash than Firebase may have
	typed                *string // nil: no password
	stored               string  // the row's address, not canonical
	username             string
	admin                bool
	verified             bool // the platform's word counts (M5)
	hash                 string
	createdAt, lastLogin time.Time
}

// claim takes a free or lapsed row (M2), with the intent in the same transaction. A try with a lost claim cannot finish.
func (m *Mover) claim(ctx context.Context, id uuid.UUID, actor string) (p claimedUser, err error) {
	by := uuid.NewString()
	err = pg.InTx(ctx, m.pool, func(tx pgx.Tx) error {
		row, err := m.queries.ClaimMoveCredentials(ctx, tx, db.ClaimMoveCredentialsParams{
			ID: id, ClaimedBy: by, Trust: m.policy.Verified.Trust, ColumnName: m.policy.Verified.Column,
		})
		switch {
		case err == nil:
			p = toClaimedUser(db.ClaimMovesRow(row), by)
		case !pg.NoRows(err):
			return err
		default:
			taken, err := m.takeOver(ctx, tx, []uuid.UUID{id}, by)
			if err != nil || len(taken) == 0 {
				return err
			}
			p = taken[0]
		}
		change, err := m.intents.BeginIn(ctx, tx, intent.Intent{
			Kind: intent.Move, UserID: id, FirebaseUID: id.String(), Actor: actor,
		})
		p.change, p.actor = change.ID, actor
		return err
	})
	switch {
	case err != nil:
		return claimedUser{}, fmt.Errorf("claim user %s: %w", id, pg.Fault(err))
	case p.id == uuid.Nil:
		return claimedUser{}, m.whyNotMovable(ctx, id)
	}
	return p, nil
}

// takeOver returns those of ids that have a lapsed claim.
func (m *Mover) takeOver(ctx context.Context, tx db.DBTX, ids []uuid.UUID, by string) ([]claimedUser, error) {
	rows, err := m.queries.TakeOverMoves(ctx, tx, db.TakeOverMovesParams{
		Ids: ids, ClaimedBy: by, LapseSeconds: m.lapse.Seconds(), Trust: m.policy.Verified.Trust, ColumnName: m.policy.Verified.Column,
	})
	if err != nil {
		return nil, err
	}
	var taken []claimedUser
	strays := slices.Clone(ids)
	for _, row := range rows {
		p := toClaimedUser(db.ClaimMovesRow{
			ID: row.ID, Email: row.Email, Username: row.Username, UserType: row.UserType, PasswordHash: row.PasswordHash, LastLogin: row.LastLogin,
			CreatedAt: row.CreatedAt, Verified: row.Verified,
		}, by)
		p.takenOver, p.rehashed = true, row.Rehashed
		taken = append(taken, p)
		strays = slices.DeleteFunc(strays, func(id uuid.UUID) bool { return id == row.ID })
	}
	if len(strays) == 0 {
		return taken, nil
	}
	// Without this no later try could claim these rows.
	return taken, m.queries.EndMoveClaims(ctx, tx, db.EndMoveClaimsParams{Ids: strays, ClaimedBy: by})
}

// whyNotMovable adds the last hour's conflict.
func (m *Mover) whyNotMovable(ctx context.Context, id uuid.UUID) error {
	failure, err := m.queries.MoveConflict(ctx, m.pool, id)
	switch {
	case pg.NoRows(err):
		return ErrNotMovable
	case err != nil:
		return fmt.Errorf("look why user %s is not moved: %w", id, pg.Fault(err))
	}
	return fmt.Errorf("%w: %w", ErrNotMovable, stopped(failure, nil))
}

func toClaimedUser(row db.ClaimMovesRow, by string) claimedUser {
	return claimedUser{
		id: row.ID, claimedBy: by, stored: row.Email, username: orZero(row.Username),
		admin: orZero(row.UserType) == user.TypeAdmin, verified: row.Verified, hash: orZero(row.PasswordHash),
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
