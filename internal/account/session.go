package account

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/principal"
)

// ErrReauthRequired asks for a fresh sign-in, or the password, before something that cannot be taken back (A10).
var ErrReauthRequired = fault.New(fault.ReauthRequired, "sign in again, or give currentPassword, to do this")

// recentSignIn is how fresh a sign-in must be for what cannot be taken back (A10).
const recentSignIn = 5 * time.Minute

// Refresh exchanges a refresh token. Firebase keeps auth_time across refreshes, so a revoked session stays revoked (T4).
func (s *Service) Refresh(ctx context.Context, refreshToken string) (Tokens, error) {
	session, err := s.identities.Refresh(ctx, refreshToken)
	if err != nil {
		return Tokens{}, fmt.Errorf("refresh at Firebase: %w", err)
	}
	claims, err := s.verifier.Verify(ctx, session.IDToken)
	if err != nil {
		return Tokens{}, fmt.Errorf("verify a refreshed token: %w", err) // another tenant's, for one: the caller's fault
	}
	u, err := s.users.FirstSight(ctx, claims)
	if err != nil {
		return Tokens{}, err
	}
	if err := u.Admit(claims.AuthTime); err != nil {
		return Tokens{}, err
	}
	s.users.Seen(u)
	return firebaseTokens(session), nil
}

// deleteTimeout bounds a deletion, which the caller's hanging up does not stop half-way.
const deleteTimeout = 7 * time.Second

// Delete removes the account here and at Firebase: both, or neither but for a crash between Firebase's answer and our commit,
// after which the same token can do it again. currentPassword may be empty after a recent sign-in.
func (s *Service) Delete(ctx context.Context, p principal.Principal, currentPassword string, addr netip.Addr) error {
	if err := s.confirm(ctx, p, currentPassword, addr); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteTimeout)
	defer cancel()
	return s.users.Delete(ctx, p.User, func(ctx context.Context) error {
		err := s.identities.DeleteUser(ctx, p.User.FirebaseUID)
		if err != nil && !errors.Is(err, firebase.ErrUserNotFound) {
			return fmt.Errorf("delete at Firebase: %w", err)
		}
		return nil
	})
}

// confirm holds A10: a sign-in of the last five minutes, or the password now.
func (s *Service) confirm(ctx context.Context, p principal.Principal, password string, addr netip.Addr) error {
	if time.Since(p.Claims.AuthTime) <= recentSignIn {
		return nil
	}
	if password == "" || p.User.Email == "" {
		return ErrReauthRequired
	}
	if err := s.attempts.AllowAttempt(ctx, p.User.Email, addr); err != nil {
		return err
	}
	session, err := s.signIn(ctx, p.User.Email, password)
	switch {
	case errors.Is(err, firebase.ErrInvalidCredentials), errors.Is(err, firebase.ErrUserDisabled),
		err == nil && session.UID != p.User.FirebaseUID:
		s.attempts.Failed(ctx, p.User.Email, addr)
		return ErrInvalidCredentials
	case err != nil:
		return fmt.Errorf("confirm the password: %w", err)
	}
	s.attempts.Succeeded(ctx, p.User.Email, addr)
	return nil
}
