package account

import (
	"context"
	"errors"
	"fmt"

	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

// Link finishes account_link_required (F3): the local row's password proves ownership. Errors: ErrInvalidCredentials, rate_limited,
// user.ErrIdentityConflict, and those of user.FirstSight.
func (s *Service) Link(ctx context.Context, claims token.Claims, password string, client Client) (user.User, error) {
	u, err := s.rowOf(ctx, claims)
	if !errors.Is(err, user.ErrLinkRequired) {
		return u, err
	}
	email, err := user.CanonicalEmail(claims.Email)
	if err != nil {
		return user.User{}, err
	}
	if err := s.attempts.AllowAttempt(ctx, email, client.Addr); err != nil {
		return user.User{}, err
	}
	person, err := s.findCandidate(ctx, email)
	if err != nil {
		return user.User{}, err
	}
	if err := s.prove(ctx, person.stored, password); err != nil {
		if errors.Is(err, ErrInvalidCredentials) {
			s.attempts.Failed(ctx, email, client.Addr)
		}
		return user.User{}, err
	}
	s.attempts.Succeeded(ctx, email, client.Addr)
	if person.deactivated() {
		return user.User{}, user.ErrDeactivated
	}
	stored, err := s.rehash(ctx, person.id, person.stored, password)
	if err != nil {
		return user.User{}, err
	}
	u, err = s.users.LinkProven(ctx, claims, person.id, *stored.hash, stored.firebaseHash())
	if errors.Is(err, user.ErrIdentityConflict) {
		if mine, missed := s.rowOf(ctx, claims); missed == nil {
			return mine, nil
		}
		if err := s.passwordUnchanged(ctx, person.id, stored); err != nil {
			return user.User{}, err
		}
	}
	if err != nil {
		return user.User{}, fmt.Errorf("link by password: %w", err)
	}
	return u, u.Admit(claims)
}

func (s *Service) rowOf(ctx context.Context, claims token.Claims) (u user.User, err error) {
	err = fmt.Errorf("no row belongs to a token of the kind %q", claims.Kind)
	switch claims.Kind {
	case token.KindFirebase:
		u, err = s.users.FirstSight(ctx, claims)
	case token.KindLegacy:
		u, err = s.users.ByLegacyID(ctx, claims.UserID)
	}
	if err != nil {
		return user.User{}, err
	}
	return u, u.Admit(claims)
}
