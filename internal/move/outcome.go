package move

import (
	"errors"

	"auth-v2-service/internal/fault"
)

// Outcomes of a try.
const (
	OutcomeMoved      = "moved"
	OutcomeConflict   = "conflict"
	OutcomeNotMovable = "not_movable"
	OutcomeReleased   = "released"  // the next sign-in tries again
	OutcomeUnsettled  = "unsettled" // the claim stays
)

// ErrConflict says that an operator must decide. auth.move_claims holds the code.
var ErrConflict = fault.New(fault.IdentityConflict, "this account cannot be moved to the identity provider yet; an operator has to decide")

const (
	codeInvalidEmail    = "invalid_email" // Firebase does not allow it (F2)
	codeInvalidHash     = "invalid_hash"
	codeInvalidUser     = "invalid_user"
	codeNotImported     = "not_imported"
	codeUIDTaken        = "uid_taken"   // the account has another address
	codeEmailTaken      = "email_taken" // may be another person's (M6)
	codeEmailOwned      = "email_owned" // another row's account
	codeAnotherPassword = "another_password"
	codeWeakPassword    = "weak_password"
	codeDisabled        = "disabled"
	codeAccountUsed     = "account_used" // the row changed meanwhile, and its new account was used
	codeSecondFactor    = "second_factor"
	codeSignInBlocked   = "sign_in_blocked" // A11
)

type conflict struct {
	code  string
	cause error
}

// cause is for the log and may be nil.
func stopped(code string, cause error) error {
	return ErrConflict.With(conflict{code: code, cause: cause})
}

func (c conflict) Error() string {
	if c.cause == nil {
		return c.code
	}
	return c.code + ": " + c.cause.Error()
}

func (c conflict) Unwrap() error { return c.cause }

// errUnsettled says that the account may exist. The claim stays until its lapse (M2).
type errUnsettled struct{ error }

func (e errUnsettled) Unwrap() error { return e.error }

func unsettled(err error) bool { return errors.As(err, new(errUnsettled)) }

func outcomeOf(err error) string {
	switch {
	case errors.Is(err, ErrNotMovable):
		return OutcomeNotMovable
	case errors.As(err, &conflict{}):
		return OutcomeConflict
	case unsettled(err):
		return OutcomeUnsettled
	}
	return OutcomeReleased
}
