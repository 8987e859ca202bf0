package account

import (
	"context"
	"fmt"
	"strings"
)

// Refresh exchanges a refresh token of either kind for the next pair of the same kind. Both kinds keep the time of the sign-in
// across refreshes, so a revoked session stays revoked (T4).
func (s *Service) Refresh(ctx context.Context, refreshToken string, client Client) (Tokens, error) {
	if looksLikeJWT(refreshToken) {
		return s.LegacyRefresh(ctx, refreshToken, client)
	}
	return s.refreshAtFirebase(ctx, refreshToken)
}

// looksLikeJWT tells the legacy service's refresh tokens, which are JWTs, from Firebase's, which are opaque and hold no dots.
func looksLikeJWT(refreshToken string) bool { return strings.Count(refreshToken, ".") == 2 }

func (s *Service) refreshAtFirebase(ctx context.Context, refreshToken string) (Tokens, error) {
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
	if err := u.Admit(claims); err != nil {
		return Tokens{}, err
	}
	s.users.Seen(u)
	return firebaseTokens(session), nil
}
