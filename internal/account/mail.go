package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/sleep"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

// Refusals of a mail's code.
var (
	ErrCodeInvalid = fault.New(fault.TokenInvalid, "the code is not valid")
	ErrCodeExpired = fault.New(fault.TokenExpired, "the code has expired; ask for another")
)

// ForgotPassword makes Firebase mail a reset (A9), after moving a local user in the cohort. It takes the same time without an account.
// Errors: invalid e-mail, rate_limited, dependency_unavailable.
func (s *Service) ForgotPassword(ctx context.Context, typed string, client Client) error {
	began := time.Now()
	email, err := user.LookUpEmail(typed)
	if err != nil || !strings.Contains(email, "@") {
		return user.ErrInvalidEmail
	}
	if err := s.attempts.AllowMail(ctx, email, client.Addr); err != nil {
		return err
	}
	if err := s.sendReset(ctx, email); err != nil {
		return err
	}
	return sleep.Context(ctx, untilBeat(time.Since(began), s.failureTime))
}

func (s *Service) sendReset(ctx context.Context, email string) error {
	person, err := s.findCandidate(ctx, email)
	if err != nil {
		return err
	}
	if person.home() == user.ProviderLocal && !person.returned() {
		if _, err := user.CanonicalEmail(email); err == nil {
			return s.moveAndReset(ctx, email, person)
		}
		s.logStays(ctx, person, user.ErrUnsupportedIdentity)
	}
	return s.askForReset(ctx, email)
}

func (s *Service) askForReset(ctx context.Context, email string) error {
	err := s.identities.SendPasswordReset(ctx, email)
	if aboutTheAccount(err) {
		s.log.WarnContext(ctx, "Firebase sends no mail to reset a password", telemetry.FieldError, err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("ask for a mail to reset a password: %w", err)
	}
	return nil
}

// moveAndReset works in the background: a move's duration would reveal the account.
func (s *Service) moveAndReset(ctx context.Context, email string, p candidate) error {
	if _, err := s.identities.UserByEmail(ctx, email); err != nil && !aboutTheAccount(err) {
		return fmt.Errorf("ask whether Firebase can be reached: %w", err)
	}
	s.inBackground(ctx, func(ctx context.Context) error {
		if err := s.moveAsked(ctx, p); err != nil {
			s.logStays(ctx, p, err)
			return nil
		}
		return s.askForReset(ctx, email)
	})
	return nil
}

const backgroundLimit = 10 * time.Second

// inBackground relies on the client's limits. After a stop the user asks again, and the next move settles (M2).
func (s *Service) inBackground(ctx context.Context, do func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), backgroundLimit)
	go func() {
		defer cancel()
		var err error
		defer func() {
			if err != nil {
				s.log.WarnContext(ctx, "work behind an answer has failed", telemetry.FieldError, err)
			}
		}()
		defer fault.Recover(&err)
		err = do(ctx)
	}()
}

func (s *Service) moveAsked(ctx context.Context, p candidate) error {
	if !s.everybody && !p.cohort.Holds(p.id) {
		return errStays
	}
	return s.mover.WithoutPassword(ctx, p.id, audit.Anonymous)
}

// moveForMail serves signed-in users (A9).
func (s *Service) moveForMail(ctx context.Context, p candidate) error {
	if !s.everybody && !p.cohort.Admits() {
		return errStays
	}
	return s.mover.WithoutPassword(ctx, p.id, "user:"+p.id.String())
}

func (s *Service) logStays(ctx context.Context, p candidate, err error) {
	s.log.WarnContext(ctx, "no mail for a user whose password lives here: the user is not moved",
		telemetry.FieldUserID, p.id, telemetry.FieldError, err)
}

var errStays = errors.New("the rollout keeps this user here")

// aboutTheAccount reports whether a refusal would reveal an account. Firebase throttles only existing ones.
func aboutTheAccount(err error) bool {
	return errors.Is(err, firebase.ErrUserNotFound) || errors.Is(err, firebase.ErrUserDisabled) ||
		errors.Is(err, firebase.ErrTooManyAttempts) || errors.Is(err, firebase.ErrQuota)
}

// SendEmailVerification makes Firebase mail a proof, after moving a local user (A9). idToken is the caller's Firebase token. Limits apply:
// the address may be a stranger's.
func (s *Service) SendEmailVerification(ctx context.Context, p principal.Principal, idToken string, client Client) error {
	email, err := user.LookUpEmail(p.User.Email)
	if err != nil {
		return ErrNoPassword.With(err)
	}
	if err := s.attempts.AllowMail(ctx, email, client.Addr); err != nil {
		return err
	}
	if p.Claims.Kind != token.KindFirebase {
		if idToken, err = s.tokenAt(ctx, p.User, email); err != nil || idToken == "" {
			return err
		}
	}
	if err := s.identities.SendEmailVerification(ctx, idToken); err != nil {
		return fmt.Errorf("ask for a mail to prove an address: %w", bearerRefusal(err))
	}
	return nil
}

func bearerRefusal(err error) error {
	switch {
	case errors.Is(err, firebase.ErrExpiredIDToken):
		return user.ErrRevoked.With(err)
	case errors.Is(err, firebase.ErrInvalidUser):
		return ErrNoPassword.With(err)
	}
	return asRevoked(err)
}

func (s *Service) tokenAt(ctx context.Context, u user.User, email string) (string, error) {
	if u.AuthProvider == user.ProviderLocal {
		person, err := s.findCandidate(ctx, email)
		if err != nil {
			return "", err
		}
		err = s.moveForMail(ctx, person)
		if code := fault.CodeOf(err); code == fault.DependencyUnavailable || code == fault.RateLimited {
			return "", fmt.Errorf("move user %s for a mail: %w", u.ID, asUnavailable(err))
		}
		if err != nil {
			s.logStays(ctx, person, err)
			return "", nil
		}
		if u, err = s.users.ByID(ctx, u.ID); err != nil {
			return "", err
		}
	}
	session, err := s.identities.SignInAs(ctx, u.FirebaseUID, nil)
	if err != nil {
		return "", fmt.Errorf("sign user %s in at Firebase: %w", u.ID, asRevoked(err))
	}
	return session.IDToken, nil
}

// ConfirmEmail proves an address. Errors: ErrCodeInvalid, ErrCodeExpired, dependency_unavailable.
func (s *Service) ConfirmEmail(ctx context.Context, code string) error {
	if _, err := s.identities.ConfirmEmail(ctx, code); err != nil {
		return fmt.Errorf("prove an address at Firebase: %w", codeRefusal(err))
	}
	return nil
}
