package user

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/token"
)

// ByID reads a row. Errors: ErrNotFound.
func (s *Store) ByID(ctx context.Context, id uuid.UUID) (User, error) {
	u, err := s.batches.rows.Ask(ctx, id)
	switch {
	case err != nil:
		return User{}, fmt.Errorf("read user %s: %w", id, pg.Fault(err))
	case u == nil:
		return User{}, ErrNotFound
	}
	return *u, nil
}

// ByLegacyID reads a legacy token's row (F1). Errors: token.ErrMalformed for an unknown id, ErrRevoked for a deleted account (F10).
func (s *Store) ByLegacyID(ctx context.Context, id uuid.UUID) (User, error) {
	u, err := s.batches.legacyRows.Ask(ctx, id)
	switch {
	case err != nil:
		return User{}, fmt.Errorf("read user %s for a legacy token: %w", id, pg.Fault(err))
	case u == nil:
		return User{}, s.goneOrUnknown(ctx, id)
	}
	return *u, nil
}

func fromLegacyRow(row db.UsersByLegacyTokensRow) User {
	u := FromRow(row.User())
	u.LegacyTokensValidAfter, u.EndedSessions = revocation(row.LegacyTokensValidAfter), row.EndedSessions
	return u
}

func (s *Store) goneOrUnknown(ctx context.Context, id uuid.UUID) error {
	deleted, err := s.queries.DeletedByID(ctx, s.pool, id)
	switch {
	case err != nil:
		return fmt.Errorf("look for the tombstone of user %s: %w", id, pg.Fault(err))
	case deleted:
		return ErrRevoked
	}
	return token.ErrMalformed.With(ErrNotFound)
}
