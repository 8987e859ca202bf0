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

// ForgotPassword has Firebase send the mail that sets a new password, to the address that the account has (A9). Whose password
// lives here is moved first, if the rollout has the row in its cohort, for Firebase can reset no other. The answer is the same, on the same beat, whether anybody has this
// address: nil. Errors: invalid e-mail, rate_limited, dependency_unavailable.
func (s *Service) ForgotPassword(ctx context.Context, typed string, client Client) error {
	began := time.Now()
	email, err := user.LookUpEmail(typed)
	if err != nil || !strings.Contains(email, "@") {
		return user.ErrInvalidEmail // an answer of its own tells nothing: no address is without it
	}
	if err := s.attempts.AllowMail(ctx, email, client.Addr); err != nil { // a mailbox is not flooded through us
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
	if person.home() == user.ProviderLocal {
		if _, err := user.CanonicalEmail(email); err == nil {
			return s.moveAndReset(ctx, email, person)
		}
		s.logStays(ctx, person, user.ErrUnsupportedIdentity) // Firebase takes no such address: it is asked as for an unknown one
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

// moveAndReset moves somebody whose password lives here and then has the mail sent, behind the answer: a move takes several calls,
// and their time would tell a stranger that there is somebody to move. What the answer waits for is one question to Firebase, as it
// is for everybody else, and an outage is answered as one.
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

// backgroundLimit is what may take longest behind an answer: a move and a mail.
const backgroundLimit = 10 * time.Second

// inBackground does what an answer must not wait for. What a stop of the process cuts short is asked for again, and a move that was cut
// short is settled by the next (M2). The limits of who asks bound how many there are.
func (s *Service) inBackground(ctx context.Context, do func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), backgroundLimit)
	go func() {
		defer cancel()
		var err error
		defer func() {
			if err != nil {
				s.log.WarnContext(ctx, "nobody hears of a failure behind an answer", telemetry.FieldError, err)
			}
		}()
		defer fault.Recover(&err)
		err = do(ctx)
	}()
}

// moveAsked moves a user whose password lives here, for a mail that anybody may have asked for: the rollout alone decides. errStays
// for a user outside of the cohort.
func (s *Service) moveAsked(ctx context.Context, p candidate) error {
	if !s.everybody && !p.cohort.Holds(p.id) {
		return errStays
	}
	return s.mover.WithoutPassword(ctx, p.id, audit.Anonymous)
}

// moveForMail moves a user whose password lives here, who is signed in and asks for a mail that only Firebase sends (A9). errStays
// for a user whom the rollout keeps here.
func (s *Service) moveForMail(ctx context.Context, p candidate) error {
	if !s.everybody && !p.cohort.Admits() {
		return errStays
	}
	return s.mover.WithoutPassword(ctx, p.id, "user:"+p.id.String())
}

// logStays is for whoever gets no mail and is not told why: a stranger may have asked.
func (s *Service) logStays(ctx context.Context, p candidate, err error) {
	s.log.WarnContext(ctx, "no mail for somebody whose password lives here: they are not moved",
		telemetry.FieldUserID, p.id, telemetry.FieldError, err)
}

// errStays is why somebody is not moved whom the rollout keeps here.
var errStays = errors.New("the rollout keeps this user here")

// aboutTheAccount says whether a refusal would tell a stranger that there is an account. Firebase's throttle is an account's: it
// refuses the third mail to somebody, and never one to nobody.
func aboutTheAccount(err error) bool {
	return errors.Is(err, firebase.ErrUserNotFound) || errors.Is(err, firebase.ErrUserDisabled) || errors.Is(err, firebase.ErrTooManyAttempts)
}

// SendEmailVerification has Firebase send the mail that proves the address. Who signs in here is moved first (A9). idToken is the
// caller's own where it is Firebase's. A mail is a try here, too: the address is not proven, and may be somebody else's mailbox.
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

// bearerRefusal is what Firebase says of a token that we have found good: there the session has ended, or the account has no
// address any more.
func bearerRefusal(err error) error {
	switch {
	case errors.Is(err, firebase.ErrExpiredIDToken):
		return user.ErrRevoked.With(err)
	case errors.Is(err, firebase.ErrInvalidUser):
		return ErrNoPassword.With(err)
	}
	return asRevoked(err)
}

// tokenAt gives somebody who holds a legacy token one of Firebase's, for what only Firebase can do: "" for who stays here.
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

// ConfirmEmail proves an address with the code of a mail. Errors: ErrCodeInvalid, ErrCodeExpired, dependency_unavailable.
func (s *Service) ConfirmEmail(ctx context.Context, code string) error {
	if _, err := s.identities.ConfirmEmail(ctx, code); err != nil {
		return fmt.Errorf("prove an address at Firebase: %w", codeRefusal(err))
	}
	return nil
}
