package fbsync

import (
	"time"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/user"
)

// state is what Firebase follows. It must stay comparable.
type state struct {
	uid          string // "": unknown to Firebase
	admitted     bool
	reactivated  bool // by an operator. Else Firebase's own disabling stays (S1)
	registering  bool // the account may not exist yet
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

// wholeSecond rounds up: auth_time has no fractions.
func wholeSecond(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); whole.Equal(t) {
		return whole
	}
	return t.Truncate(time.Second).Add(time.Second)
}

// ahead bounds future revocations at Firebase, which cannot be undone there.
const ahead = time.Minute

// due never lowers ValidSince. now is Firebase's time.
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
