package account

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/user"
)

// Refusals of a second factor (A11).
var (
	ErrSecondFactorWrong = fault.New(fault.InvalidCredentials, "the code is wrong")
	ErrSignInNotOpen     = fault.New(fault.TokenInvalid, "this sign-in is no longer open; begin again")
)

// MFAError is firebase.ErrMFARequired with what finishes the sign-in.
type MFAError struct {
	Challenge firebase.MFAChallenge
	cause     error
}

// Error never shows the pending credential.
func (e *MFAError) Error() string { return e.cause.Error() }

// Unwrap gives the refusal.
func (e *MFAError) Unwrap() error { return e.cause }

// asMFAError puts a demand for a second factor into this room's words; any other error stays. A factor of a kind that we do not know is
// left out: nobody here could say what to do with it.
func asMFAError(err error) error {
	var demand *firebase.MFAError
	if !errors.As(err, &demand) {
		return err
	}
	due := demand.Challenge
	due.Factors = slices.DeleteFunc(slices.Clone(due.Factors), func(f firebase.Factor) bool { return f.Kind == "" })
	return &MFAError{Challenge: due, cause: err}
}

// SecondFactor finishes a sign-in. Code is what the authenticator app shows.
type SecondFactor struct {
	PendingCredential string
	FactorID          string
	Code              string
	Client            Client
}

// guessedAt names a second factor where attempts are counted, so that six digits are not tried through (A4). Only who has proved
// the password knows its id, and no e-mail has a space.
func (f SecondFactor) guessedAt() string { return "second factor " + f.FactorID }

// LoginMFA finishes a sign-in that wanted a second factor. Errors: ErrSecondFactorWrong, ErrSignInNotOpen, rate_limited, and those
// of a sign-in whose password was right.
func (s *Service) LoginMFA(ctx context.Context, f SecondFactor) (Session, error) {
	if err := s.attempts.AllowAttempt(ctx, f.guessedAt(), f.Client.Addr); err != nil {
		return Session{}, err
	}
	fresh, err := s.identities.FinishSignIn(ctx, f.PendingCredential, f.FactorID, f.Code)
	switch {
	case errors.Is(err, firebase.ErrInvalidCredentials):
		s.attempts.Failed(ctx, f.guessedAt(), f.Client.Addr)
		return Session{}, ErrSecondFactorWrong.With(err)
	case errors.Is(err, firebase.ErrInvalidCode), errors.Is(err, firebase.ErrExpiredCode):
		return Session{}, ErrSignInNotOpen.With(err)
	case err != nil:
		return Session{}, fmt.Errorf("finish a sign-in at Firebase: %w", err)
	}
	s.attempts.Succeeded(ctx, f.guessedAt(), f.Client.Addr)
	session, err := s.recordSignIn(ctx, fresh)
	if errors.Is(err, user.ErrRevoked) {
		return Session{}, errClocks.With(err) // in the second of a revocation: the next try begins after it
	}
	return session, err
}
