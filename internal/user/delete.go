package user

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/token"
)

// Delete removes the row and leaves a tombstone, so that old tokens make no new row (F10). elsewhere runs last before the commit: a refusal
// there changes neither side. Each delete holds a connection meanwhile, so few run at once. A second call succeeds. On ErrAnotherAccount,
// ErrRevoked or ErrDeactivated nothing was deleted.
func (s *Store) Delete(ctx context.Context, u User, asking token.Claims, elsewhere func(ctx context.Context, tx pgx.Tx) error) error {
	leave, err := s.waitOutside(ctx)
	if err != nil {
		return err
	}
	defer leave()
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error { return s.deleteIn(ctx, tx, u, asking, elsewhere) })
	if err != nil {
		return fmt.Errorf("delete user %s: %w", u.ID, pg.Fault(err))
	}
	s.onChange(ctx, u.ID)
	return nil
}

// ErrAnotherAccount says that the row's account changed meanwhile.
var ErrAnotherAccount = fault.Unavailable("this account is being changed; try again", nil)

// holdToDelete checks that u names the row's account and that the asking session still counts.
func (s *Store) holdToDelete(ctx context.Context, tx pgx.Tx, u User, asking token.Claims) error {
	row, err := s.queries.HoldToDelete(ctx, tx, u.ID)
	if pg.NoRows(err) {
		return nil
	}
	if err != nil {
		return err
	}
	own := u.ID.String() // of an unfinished or failed move
	if (row.FirebaseUID != u.FirebaseUID || row.Moving) && (row.FirebaseUID != "" || u.FirebaseUID != own) {
		return ErrAnotherAccount
	}
	if asking.AuthTime.IsZero() {
		return nil
	}
	held, err := s.queries.UsersByLegacyTokens(ctx, tx, []uuid.UUID{u.ID})
	if err != nil || len(held) == 0 {
		return err
	}
	return fromLegacyRow(held[0]).Admit(asking)
}

func (s *Store) deleteIn(
	ctx context.Context, tx pgx.Tx, u User, asking token.Claims, elsewhere func(ctx context.Context, tx pgx.Tx) error,
) error {
	if err := s.holdToDelete(ctx, tx, u, asking); err != nil {
		return err
	}
	if err := s.queries.DeleteUser(ctx, tx, u.ID); err != nil {
		return err
	}
	err := audit.Record(ctx, tx, audit.Event{
		Action: "user.deleted", Actor: "user:" + u.ID.String(), UserID: u.ID, RequestID: telemetry.RequestID(ctx),
	})
	if err != nil {
		return err
	}
	if err := elsewhere(ctx, tx); err != nil {
		return err
	}
	e := Ending(s.clocks, asking) // last: no session begins after it
	stone := db.InsertTombstoneParams{UserID: u.ID, IssuedUntil: e.FirebaseUntil, FirebaseLead: e.FirebaseLead}
	if u.FirebaseUID != "" {
		stone.FirebaseUID = &u.FirebaseUID
	}
	return s.queries.InsertTombstone(ctx, tx, stone)
}
