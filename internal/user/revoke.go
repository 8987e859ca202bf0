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

// RevokeTokens ends every session that began before the next whole second of its clock, and the asking one (T4). Firebase follows (S3).
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

// RevokeTokens may return pgx.ErrNoRows.
func RevokeTokens(ctx context.Context, tx pgx.Tx, id uuid.UUID, e clock.Ending) error {
	_, err := db.New().RevokeTokens(ctx, tx, db.RevokeTokensParams{
		ID: id, IssuedUntil: e.FirebaseUntil, FirebaseLead: e.FirebaseLead, LegacyLead: e.LegacyLead,
	})
	if err != nil {
		return err
	}
	return EndLegacySessions(ctx, tx, id, e)
}
