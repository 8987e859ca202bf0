package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/session"
)

// startLocalSession checks the hash after Begin, which waits out the second of a revocation. A later change ends this session too (T4).
func (s *Service) startLocalSession(ctx context.Context, id uuid.UUID, hash, agent string) (Session, error) {
	issued, err := s.sessions.Begin(ctx, id, agent)
	if err != nil {
		return Session{}, err
	}
	if err := s.passwordUnchanged(ctx, id, hash); err != nil {
		return Session{}, s.withdraw(ctx, issued, err)
	}
	return legacySession(issued), nil
}

func (s *Service) passwordUnchanged(ctx context.Context, id uuid.UUID, hash string) error {
	row, err := s.queries.UserCredentials(ctx, s.pool, id)
	if err != nil && !pg.NoRows(err) {
		return fmt.Errorf("look again at the password of user %s: %w", id, pg.Fault(err))
	}
	if row.PasswordHash == nil || *row.PasswordHash != hash {
		return ErrInvalidCredentials.With(errors.New("the password was changed meanwhile"))
	}
	return nil
}

func (s *Service) withdraw(ctx context.Context, issued session.Issued, why error) error {
	err := s.sessions.End(ctx, issued.User.ID, issued.Claims.SessionID)
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		return errors.Join(why, err)
	}
	return why
}
