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

// Refresh returns a pair of the current home, so a move needs no sign-in (M9). The sign-in time stays, and so does a revocation (T4).
func (s *Service) Refresh(ctx context.Context, refreshToken string, client Client) (Tokens, error) {
	if looksLikeJWT(refreshToken) {
		return s.refreshHere(ctx, refreshToken, client)
	}
	return s.refreshAtFirebase(ctx, refreshToken, client)
}

// Firebase's tokens contain no dots.
func looksLikeJWT(refreshToken string) bool { return strings.Count(refreshToken, ".") == 2 }

// refreshHere continues at Firebase if possible. An admin stays here: every service knows the legacy secret, and a forgery must not become
// Firebase's (T8).
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

const vendorLimit = 7 * time.Second

// refreshAtFirebase shares one call between concurrent requests.
func (s *Service) refreshAtFirebase(ctx context.Context, refreshToken string, client Client) (Tokens, error) {
	key := sha256.Sum256([]byte(refreshToken))
	pair, err := s.refreshing.Ask(ctx, string(key[:]), vendorLimit, func(ctx context.Context) (firebase.Session, error) {
		return s.identities.Refresh(ctx, refreshToken)
	})
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = asUnavailable(err) // the caller's deadline
	}
	if err != nil {
		return Tokens{}, fmt.Errorf("refresh at Firebase: %w", err)
	}
	claims, err := s.verifier.Verify(ctx, pair.IDToken)
	if err != nil {
		return Tokens{}, fmt.Errorf("verify a refreshed token: %w", err) // such as another tenant's token
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
		return firebaseTokens(pair), nil // Firebase's tokens stay valid (M7)
	}
	return legacySession(issued).Tokens, err
}

var errNotCarried = errors.New("the session at Firebase does not say which one it goes on from")

// carryOver continues a legacy session at Firebase. The new token names it: one revocation ends both. Reading the row last includes recent
// revocations.
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
		return Tokens{}, errNotCarried // the next refresh decides
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

// beforeCarryOver refuses a session older than the proof of the address at Firebase.
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

// endedByProof returns ErrRevoked if a proof of the address ended the session.
func (s *Service) endedByProof(ctx context.Context, account firebase.User, claims token.Claims) error {
	u, err := s.users.AccountSeen(ctx, account)
	if errors.Is(err, user.ErrNotFound) {
		return user.ErrRevoked.With(err)
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

func refuses(err error) bool {
	switch fault.CodeOf(err) {
	case fault.AccountDeactivated, fault.SignInBlocked, fault.TokenRevoked:
		return true
	default:
		return false
	}
}
