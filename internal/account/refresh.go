package account

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/session"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

// Refresh exchanges a refresh token of either kind for the next pair of the kind that the person's home issues: who has moved to
// Firebase since, or has returned, does not sign in again (M9). All pairs keep the time of the sign-in, so a revoked session stays
// revoked (T4).
func (s *Service) Refresh(ctx context.Context, refreshToken string, client Client) (Tokens, error) {
	if looksLikeJWT(refreshToken) {
		return s.refreshHere(ctx, refreshToken, client)
	}
	return s.refreshAtFirebase(ctx, refreshToken, client)
}

// looksLikeJWT tells the legacy service's refresh tokens, which are JWTs, from Firebase's, which are opaque and hold no dots.
func looksLikeJWT(refreshToken string) bool { return strings.Count(refreshToken, ".") == 2 }

// refreshHere exchanges a legacy refresh token. Where the person's session cannot go on at Firebase at this moment it goes on here,
// and the next refresh tries again. An admin's stays: every service of the platform knows the legacy secret, and what it could
// forge must never become Firebase's (T8).
func (s *Service) refreshHere(ctx context.Context, refreshToken string, client Client) (Tokens, error) {
	issued, err := s.sessions.Refresh(ctx, refreshToken, client.Agent)
	if err != nil {
		return Tokens{}, err
	}
	here := legacySession(issued).Tokens
	if u := issued.User; u.AuthProvider == user.ProviderLocal || u.FirebaseUID == "" || u.Type == user.TypeAdmin {
		return here, nil
	}
	within, cancel := beforeLegacy(ctx)
	defer cancel()
	there, err := s.carrying.Ask(within, issued.Claims.SessionID.String(), vendorLimit, func(ctx context.Context) (Tokens, error) {
		return s.carryOver(ctx, issued)
	})
	if err != nil && !refuses(err) {
		s.log.InfoContext(ctx, "a session goes on here", telemetry.FieldUserID, issued.User.ID, telemetry.FieldError, err)
		return here, nil
	}
	return there, err
}

// vendorLimit bounds a question to Firebase that several requests share.
const vendorLimit = 7 * time.Second

// refreshAtFirebase exchanges a refresh token of Firebase's. Requests that bring the same token at the same time share one exchange; each
// is let in, or not, by itself.
func (s *Service) refreshAtFirebase(ctx context.Context, refreshToken string, client Client) (Tokens, error) {
	key := sha256.Sum256([]byte(refreshToken))
	pair, err := s.refreshing.Ask(ctx, string(key[:]), vendorLimit, func(ctx context.Context) (firebase.Session, error) {
		return s.identities.Refresh(ctx, refreshToken)
	})
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = asUnavailable(err) // the caller's time is up, and not Firebase's
	}
	if err != nil {
		return Tokens{}, fmt.Errorf("refresh at Firebase: %w", err)
	}
	claims, err := s.verifier.Verify(ctx, pair.IDToken)
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
	if u.AuthProvider != user.ProviderLocal {
		return firebaseTokens(pair), nil
	}
	issued, err := s.sessions.Continue(ctx, u, claims.AuthTime, client.Agent)
	if errors.Is(err, session.ErrOff) {
		return firebaseTokens(pair), nil // there is nothing here to go on with, and Firebase's tokens count until they end (M7)
	}
	return legacySession(issued).Tokens, err
}

// errNotCarried says that the session which Firebase has begun is not the one that was to go on.
var errNotCarried = errors.New("the session at Firebase does not say which one it goes on from")

// carryOver goes on at Firebase with a legacy session. The session there says which one it goes on from, and when the person signed
// in: what ends the one ends the other. Looking once more comes last, for whoever is revoked from then on is revoked there as well.
func (s *Service) carryOver(ctx context.Context, issued session.Issued) (Tokens, error) {
	if err := s.beforeCarryOver(ctx, issued); err != nil {
		return Tokens{}, err
	}
	if err := s.sessions.Carry(ctx, issued.Claims.SessionID); err != nil {
		return Tokens{}, err
	}
	pair, err := s.identities.SignInAs(ctx, issued.User.FirebaseUID, map[string]any{
		token.LegacySessionClaim: token.CarriedOver(issued.Claims),
	})
	if err != nil {
		return Tokens{}, fmt.Errorf("go on at Firebase: %w", err)
	}
	claims, err := s.verifier.Verify(ctx, pair.IDToken)
	if err != nil {
		return Tokens{}, fmt.Errorf("verify the token of a session that goes on: %w", err)
	}
	if claims.EmailVerified && issued.User.EmailProvenAt.IsZero() && issued.User.Email != "" {
		return Tokens{}, errNotCarried // proven in this instant: the next refresh looks who has proven it
	}
	if claims.SessionID != issued.Claims.SessionID || claims.AuthTime.After(issued.Claims.AuthTime) {
		return Tokens{}, errNotCarried
	}
	u, err := s.users.ByLegacyID(ctx, issued.User.ID)
	if err != nil {
		return Tokens{}, err
	}
	return firebaseTokens(pair), u.Admit(claims)
}

// beforeCarryOver asks Firebase, for an address that nobody has proven here, whether its owner has proven it there: a legacy session from
// before that must not go on in the owner's account. A row that is proven costs no question.
func (s *Service) beforeCarryOver(ctx context.Context, issued session.Issued) error {
	if !issued.User.EmailProvenAt.IsZero() || issued.User.Email == "" {
		return nil
	}
	account, err := s.identities.User(ctx, issued.User.FirebaseUID)
	if err != nil {
		return fmt.Errorf("ask whether the address of user %s is proven: %w", issued.User.ID, err)
	}
	return s.endedByProof(ctx, account, issued.Claims)
}

// endedByProof notes what a look-up proves of the address of a row, and answers ErrRevoked where the session of claims ended with that.
func (s *Service) endedByProof(ctx context.Context, account firebase.User, claims token.Claims) error {
	u, err := s.users.AccountSeen(ctx, account)
	if errors.Is(err, user.ErrNotFound) {
		return user.ErrRevoked.With(err) // the account is another row's by now, or none's
	}
	if err != nil {
		return err
	}
	if claims.OfLegacySession() {
		if u, err = s.users.ByLegacyID(ctx, u.ID); err != nil {
			return err
		}
	}
	return u.Admit(claims)
}

// refuses tells a refusal of the person from what is only in the way at this moment.
func refuses(err error) bool {
	switch fault.CodeOf(err) {
	case fault.AccountDeactivated, fault.SignInBlocked, fault.TokenRevoked:
		return true
	default:
		return false
	}
}
