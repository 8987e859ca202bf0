package user

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/clock"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/token"
)

// RevokeTokens ends every session that began before the next whole second, by the clock that dated it, and the session that asks (T4;
// the zero Claims where no token asks). Firebase ends them too, as soon as it can be told (S3).
func (s *Store) RevokeTokens(ctx context.Context, id uuid.UUID, asking token.Claims) error {
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := RevokeTokens(ctx, tx, id, Ending(s.clocks, asking)); err != nil {
			return err
		}
		return s.enqueueSync(ctx, tx, id)
	})
	if pg.NoRows(err) {
		return ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("revoke the tokens of user %s: %w", id, pg.Fault(err))
	}
	s.onChange(ctx, id)
	return nil
}

// RevokeTokens ends the sessions of a row in the transaction of what they end with. pgx.ErrNoRows where there is no row.
func RevokeTokens(ctx context.Context, tx pgx.Tx, id uuid.UUID, e clock.Ending) error {
	_, err := db.New().RevokeTokens(ctx, tx, db.RevokeTokensParams{
		ID: id, IssuedUntil: e.FirebaseUntil, FirebaseLead: e.FirebaseLead, LegacyLead: e.LegacyLead,
	})
	if err != nil {
		return err
	}
	return EndLegacySessions(ctx, tx, id, e)
}
