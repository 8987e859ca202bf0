package account

import (
	"context"

	"auth-v2-service/internal/token"
)

// LegacyLogin is Login for clients with only the legacy pair. It still moves users (A2).
func (s *Service) LegacyLogin(ctx context.Context, c Credentials) (Session, error) {
	session, err := s.Login(ctx, c)
	return s.asLegacy(ctx, session, c.Client, err)
}

// LegacyRegister is Register for such clients.
func (s *Service) LegacyRegister(ctx context.Context, r Registration) (Session, error) {
	session, err := s.Register(ctx, r)
	return s.asLegacy(ctx, session, r.Client, err)
}

// LegacyRefresh accepts and returns only the legacy pair.
func (s *Service) LegacyRefresh(ctx context.Context, refreshToken string, client Client) (Tokens, error) {
	issued, err := s.sessions.Refresh(ctx, refreshToken, client.Agent)
	return legacySession(issued).Tokens, err
}

func (s *Service) asLegacy(ctx context.Context, session Session, client Client, err error) (Session, error) {
	if err != nil || session.Tokens.Kind == token.KindLegacy {
		return session, err
	}
	issued, err := s.sessions.Begin(ctx, session.User.ID, client.Agent)
	if err != nil {
		return Session{}, err
	}
	if err := issued.User.Admit(session.Claims); err != nil { // revoked while Begin waited (T4)
		return Session{}, s.withdraw(ctx, issued, errClocks.With(err))
	}
	return legacySession(issued), nil
}
