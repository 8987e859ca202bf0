package user

import (
	"context"
	"fmt"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/token"
)

// SignedIn returns or creates the row of a new sign-in and updates last_login at once (F8), unless User.Admit refuses. The caller must
// still call Admit.
func (s *Store) SignedIn(ctx context.Context, claims token.Claims) (User, error) {
	row, err := s.queries.RecordSignIn(ctx, s.pool, db.RecordSignInParams{
		FirebaseUID: claims.Subject, AuthTime: claims.AuthTime,
	})
	switch {
	case pg.NoRows(err):
		return s.FirstSight(ctx, claims)
	case err != nil:
		return User{}, fmt.Errorf("record a sign-in of %s: %w", claims.Subject, pg.Fault(err))
	}
	u, err := s.noteProof(ctx, FromRow(row.User()), claims)
	if err != nil {
		return User{}, fmt.Errorf("record a sign-in of %s: %w", claims.Subject, pg.Fault(err))
	}
	return u, nil
}
