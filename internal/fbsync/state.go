package fbsync

import (
	"time"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/user"
)

// state is what of a row Firebase follows. Two of them are compared: every field decides something.
type state struct {
	uid          string // "": Firebase does not know the row
	admitted     bool
	reactivated  bool // an operator has let the person in again: only then is an account enabled, for Firebase's disabled may be its own (S1)
	registering  bool // the account may not be there yet
	sessionsFrom time.Time
}

func stateOf(row db.OwedStateRow) state {
	s := state{admitted: row.Admitted, reactivated: row.Reactivated}
	if row.FirebaseUID != nil && (row.AuthProvider != nil && *row.AuthProvider != user.ProviderLocal) {
		s.uid = *row.FirebaseUID
	}
	s.registering = row.FederationStatus != nil && *row.FederationStatus == user.StatusSyncing
	if row.TokensValidAfter != nil {
		s.sessionsFrom = wholeSecond(row.TokensValidAfter.UTC())
	}
	return s
}

// wholeSecond is the first one from which sessions count: Firebase knows no fractions, and neither does auth_time.
func wholeSecond(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); whole.Equal(t) {
		return whole
	}
	return t.Truncate(time.Second).Add(time.Second)
}

// ahead is how far in the future a revocation may lie for Firebase to hear of it: a second, and what clocks differ by. Firebase
// could never be told of an earlier one again; who is revoked for years, our row keeps out.
const ahead = time.Minute

// due is what has to change at Firebase for the account to follow the row. It only ends sessions that the row has ended: never the
// ones since, and never fewer than Firebase itself has ended. now is Firebase's time, as the row's sessions are dated by it.
func due(s state, account firebase.User, now time.Time) (change firebase.State, differs bool) {
	switch {
	case !s.admitted && !account.Disabled:
		change.Disabled, differs = new(true), true
	case s.admitted && s.reactivated && account.Disabled:
		change.Disabled, differs = new(false), true
	}
	if s.sessionsFrom.After(account.ValidSince) && s.sessionsFrom.Before(now.Add(ahead)) {
		change.ValidSince, differs = s.sessionsFrom, true
	}
	return change, differs
}
