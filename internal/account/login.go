package account

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/password"
	"auth-v2-service/internal/sleep"
	"auth-v2-service/internal/user"
)

// ErrInvalidCredentials covers unknown e-mails, wrong passwords and disabled accounts (A3).
var ErrInvalidCredentials = fault.New(fault.InvalidCredentials, "the e-mail or the password is wrong")

var errClocks = fault.Unavailable("sign-in is not possible at this moment; try again", nil)

// maxWait bounds the wait for a revocation's second (T4), which differing clocks lengthen.
const maxWait = 3 * time.Second

// Client is an address for limits and a User-Agent.
type Client struct {
	Addr  netip.Addr
	Agent string
}

// Credentials are an e-mail and a password.
type Credentials struct {
	Email    string
	Password string
	Client   Client
}

// Login signs in at the user's home (A2). Errors: ErrInvalidCredentials, user.ErrDeactivated (only after a right password), *MFAError,
// firebase.ErrSignInBlocked, rate_limited, dependency_unavailable, and those of user.FirstSight.
func (s *Service) Login(ctx context.Context, c Credentials) (Session, error) {
	began, attempt := time.Now(), s.passwords.Attempt()
	session, err := s.login(ctx, c, attempt)
	if !errors.Is(err, ErrInvalidCredentials) {
		return session, err
	}
	if err := attempt.Refuse(ctx); err != nil {
		return Session{}, fmt.Errorf("refuse a sign-in: %w", err)
	}
	if err := sleep.Context(ctx, untilBeat(time.Since(began), beatOf(s.failureTime, attempt.Time()))); err != nil {
		return Session{}, err
	}
	return session, err
}

// untilBeat hides a refusal's exact duration.
func untilBeat(elapsed, beat time.Duration) time.Duration { return beat - elapsed%beat }

func beatOf(usual, work time.Duration) time.Duration {
	return (work + usual/2 + usual - 1) / usual * usual
}

func (s *Service) login(ctx context.Context, c Credentials, attempt *password.Attempt) (Session, error) {
	email, err := user.LookUpEmail(c.Email)
	if err != nil {
		return Session{}, ErrInvalidCredentials.With(err)
	}
	if err := s.attempts.AllowAttempt(ctx, email, c.Client.Addr); err != nil {
		return Session{}, err
	}
	person, err := s.findCandidate(ctx, email)
	if err != nil {
		return Session{}, err
	}
	attempt.Expect(person.ceilings)
	person.passwords = attempt
	if person.home() == user.ProviderLocal {
		return s.loginHere(ctx, c, email, person)
	}
	return s.loginAtFirebase(ctx, c, email, person)
}

func (s *Service) loginAtFirebase(ctx context.Context, c Credentials, email string, person candidate) (Session, error) {
	session, err := s.signIn(ctx, email, c.Password)
	if errors.Is(err, firebase.ErrInvalidCredentials) {
		session, err = s.bringPassword(ctx, person, email, c.Password, err)
	}
	if errors.Is(err, firebase.ErrInvalidCredentials) || errors.Is(err, firebase.ErrUserDisabled) {
		s.attempts.Failed(ctx, email, c.Client.Addr)
		return Session{}, ErrInvalidCredentials.With(err)
	}
	if errors.Is(err, firebase.ErrMFARequired) {
		if failed := s.followPending(ctx, person, email, c.Password); failed != nil {
			return Session{}, failed
		}
	}
	if err != nil {
		return Session{}, fmt.Errorf("sign in at Firebase: %w", asMFAError(err))
	}
	s.attempts.Succeeded(ctx, email, c.Client.Addr)
	if person.deactivated() && person.row.FirebaseUID == session.UID {
		return Session{}, user.ErrDeactivated
	}
	if err := s.followPassword(ctx, person, session.UID, c.Password); err != nil {
		return Session{}, err
	}
	return s.beginSession(ctx, session, email, c.Password)
}

// beginSession signs in again after a wait if the token seems older than the last revocation (T4). Only a right password waits, so it
// reveals no account (A3).
func (s *Service) beginSession(ctx context.Context, session firebase.Session, email, password string) (Session, error) {
	out, err := s.recordSignIn(ctx, session)
	if !errors.Is(err, user.ErrRevoked) {
		return out, err
	}
	if err := sleep.Context(ctx, min(max(out.User.TokensValidAfter.Sub(out.Claims.AuthTime), time.Second), maxWait)); err != nil {
		return Session{}, err
	}
	if session, err = s.signIn(ctx, email, password); err != nil {
		return Session{}, fmt.Errorf("sign in at Firebase again: %w", err)
	}
	out, err = s.recordSignIn(ctx, session)
	if errors.Is(err, user.ErrRevoked) {
		return Session{}, errClocks.With(err)
	}
	return out, err
}

func (s *Service) revokedSecond() time.Duration {
	return time.Second + min(s.clocks.Precision(), maxWait-time.Second)
}

func (s *Service) signIn(ctx context.Context, email, password string) (firebase.Session, error) {
	return s.identities.SignIn(ctx, email, password)
}

// recordSignIn updates last_login at once (F8). With ErrRevoked it also returns the session.
func (s *Service) recordSignIn(ctx context.Context, fresh firebase.Session) (Session, error) {
	claims, err := s.verifier.Verify(ctx, fresh.IDToken)
	if err != nil {
		return Session{}, fmt.Errorf("verify the token of a sign-in: %w", asUnavailable(err))
	}
	session := Session{Tokens: firebaseTokens(fresh), Claims: claims}
	if session.User, err = s.users.SignedIn(ctx, claims); err != nil {
		return Session{}, err
	}
	return session, session.User.Admit(claims)
}

// asUnavailable reports a refusal of Firebase's own token as temporary.
func asUnavailable(err error) error {
	if fault.CodeOf(err) == fault.DependencyUnavailable {
		return err
	}
	return fault.Unavailable("sign-in is not possible at this moment; try again", err)
}
