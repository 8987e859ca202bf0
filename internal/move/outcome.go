package move

import (
	"errors"

	"auth-v2-service/internal/fault"
)

// How a try ended, for a metric.
const (
	OutcomeMoved      = "moved"
	OutcomeConflict   = "conflict"    // ErrConflict
	OutcomeNotMovable = "not_movable" // ErrNotMovable
	OutcomeReleased   = "released"    // an outage; the next sign-in tries again
	OutcomeUnsettled  = "unsettled"   // an outage with an import's answer lost; whoever comes after the lapse looks
)

// ErrConflict says that this user cannot be moved before somebody has decided; why is in auth.move_claims.
var ErrConflict = fault.New(fault.IdentityConflict, "this account cannot be moved to the identity provider yet; an operator has to decide")

// The codes that auth.move_claims keeps of conflicts.
const (
	codeInvalidEmail    = "invalid_email"    // the row's address is none that Firebase may have (F2)
	codeInvalidHash     = "invalid_hash"     // Firebase does not take the row's password hash
	codeInvalidUser     = "invalid_user"     // nor something else about it
	codeNotImported     = "not_imported"     // nor the account, for reasons of its own
	codeUIDTaken        = "uid_taken"        // the row's id is another address's account there
	codeEmailTaken      = "email_taken"      // the address is an account's that may be another person's (M6)
	codeEmailOwned      = "email_owned"      // the address is the account of another row
	codeAnotherPassword = "another_password" // the account there has another password than the row
	codeWeakPassword    = "weak_password"    // the password that was typed may not be set there
	codeDisabled        = "disabled"         // the account there is disabled
	codeSecondFactor    = "second_factor"    // the account there asks for one
	codeSignInBlocked   = "sign_in_blocked"  // a blocking function refuses the sign-in (A11)
)

// conflict is why a move was stopped for good: a code and no personal data.
type conflict struct {
	code  string
	cause error
}

// stopped makes the ErrConflict of a code. The cause is for the log and may be nil.
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

// errUnsettled wraps an outage after which nobody knows whether Firebase has the account: the claim is kept for whoever looks
// after its lapse (M2).
type errUnsettled struct{ error }

func (e errUnsettled) Unwrap() error { return e.error }

func outcomeOf(err error) string {
	var unsettled errUnsettled
	switch {
	case errors.Is(err, ErrNotMovable):
		return OutcomeNotMovable
	case errors.As(err, &conflict{}):
		return OutcomeConflict
	case errors.As(err, &unsettled):
		return OutcomeUnsettled
	}
	return OutcomeReleased
}
