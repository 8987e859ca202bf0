package user

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/pg"
)

const usernameKey = "users_username_key"

// Rename changes the username. Errors: ErrInvalidUsername, ErrUsernameTaken, ErrNotFound.
func (s *Store) Rename(ctx context.Context, id uuid.UUID, typed string) (User, error) {
	name, err := ValidUsername(typed)
	if err != nil {
		return User{}, err
	}
	row, err := s.queries.ChangeUsername(ctx, s.pool, db.ChangeUsernameParams{ID: id, Username: name})
	switch {
	case pg.UniqueViolation(err) == usernameKey:
		return User{}, ErrUsernameTaken
	case pg.NoRows(err):
		return s.ByID(ctx, id) // unchanged
	case err != nil:
		return User{}, fmt.Errorf("rename user %s: %w", id, pg.Fault(err))
	}
	s.onChange(ctx, id)
	return FromRow(row.User()), nil
}
