package account

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"auth-v2-service/internal/session"
)

// startLocalSession checks the password after Begin, which waits out the second of a revocation. A later change ends this session too (T4).
func (s *Service) startLocalSession(ctx context.Context, id uuid.UUID, proved storedPassword, agent string) (Session, error) {
	issued, err := s.sessions.Begin(ctx, id, agent)
	if err != nil {
		return Session{}, err
	}
	if err := s.passwordUnchanged(ctx, id, proved); err != nil {
		return Session{}, s.withdraw(ctx, issued, err)
	}
	return legacySession(issued), nil
}

func (s *Service) withdraw(ctx context.Context, issued session.Issued, why error) error {
	err := s.sessions.End(ctx, issued.User.ID, issued.Claims.SessionID)
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		return errors.Join(why, err)
	}
	return why
}
