package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/user"
)

// ErrReauthRequired demands a recent sign-in or the password (A10).
var ErrReauthRequired = fault.New(fault.ReauthRequired, "sign in again, or give currentPassword, to do this")

// confirm checks A10.
func (s *Service) confirm(ctx context.Context, p principal.Principal, password string, client Client) (proved storedPassword, err error) {
	if recently, err := s.signedInRecently(ctx, p); err != nil || recently {
		return proved, err
	}
	if password == "" || p.User.Email == "" {
		return proved, ErrReauthRequired
	}
	email := p.User.Email
	if canonical, err := user.LookUpEmail(email); err == nil {
		email = canonical // login counts attempts under this spelling
	}
	if err := s.attempts.AllowAttempt(ctx, email, client.Addr); err != nil {
		return proved, err
	}
	proved, err = s.proveOwn(ctx, p.User, password)
	switch {
	case errors.Is(err, ErrInvalidCredentials):
		s.attempts.Failed(ctx, email, client.Addr)
		return proved, err
	case err != nil:
		return proved, fmt.Errorf("confirm the password: %w", err)
	}
	s.attempts.Succeeded(ctx, email, client.Addr)
	return proved, nil
}

func (s *Service) proveOwn(ctx context.Context, u user.User, password string) (storedPassword, error) {
	if u.AuthProvider == user.ProviderLocal {
		row, err := s.queries.UserCredentials(ctx, s.pool, u.ID)
		if err != nil && !pg.NoRows(err) {
			return storedPassword{}, fmt.Errorf("read the password of user %s: %w", u.ID, pg.Fault(err))
		}
		stored := storedOf(row)
		return stored, s.prove(ctx, stored, password)
	}
	session, err := s.signIn(ctx, u.Email, password)
	if errors.Is(err, firebase.ErrInvalidCredentials) {
		session, err = s.bringOwn(ctx, u, password, err)
	}
	switch {
	case errors.Is(err, firebase.ErrInvalidCredentials), errors.Is(err, firebase.ErrUserDisabled),
		err == nil && session.UID != u.FirebaseUID:
		return storedPassword{}, ErrInvalidCredentials.With(err)
	}
	return storedPassword{}, asMFAError(err)
}

func (s *Service) bringOwn(ctx context.Context, u user.User, password string, wrong error) (firebase.Session, error) {
	email, err := user.LookUpEmail(u.Email)
	if err != nil {
		return firebase.Session{}, wrong
	}
	p, err := s.findCandidate(ctx, email)
	if err != nil || p.id != u.ID {
		return firebase.Session{}, cmp.Or(err, wrong)
	}
	return s.bringPassword(ctx, p, email, password, wrong)
}
