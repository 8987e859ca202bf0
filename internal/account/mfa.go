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

// MFAError carries what finishes the sign-in.
type MFAError struct {
	Challenge firebase.MFAChallenge
	cause     error
}

// Error hides the pending credential.
func (e *MFAError) Error() string { return e.cause.Error() }

// Unwrap returns the cause.
func (e *MFAError) Unwrap() error { return e.cause }

// asMFAError drops unknown factors.
func asMFAError(err error) error {
	var demand *firebase.MFAError
	if !errors.As(err, &demand) {
		return err
	}
	due := demand.Challenge
	due.Factors = slices.DeleteFunc(slices.Clone(due.Factors), func(f firebase.Factor) bool { return f.Kind == "" })
	return &MFAError{Challenge: due, cause: err}
}

// SecondFactor finishes a sign-in.
type SecondFactor struct {
	PendingCredential string
	FactorID          string
	Code              string
	Client            Client
}

// guessedAt is the key that limits guesses (A4). No e-mail has a space.
func (f SecondFactor) guessedAt() string { return "second factor " + f.FactorID }

// LoginMFA finishes a sign-in. Errors: ErrSecondFactorWrong, ErrSignInNotOpen, rate_limited, and Login's after a right password.
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
		return Session{}, errClocks.With(err)
	}
	return session, err
}
