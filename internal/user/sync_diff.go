package user

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/firebase"
)

// factEnabling: a reactivated account is still to be enabled, so its disabled does not count.
const (
	factEmailVerified = "email_verified"
	factDisplayName   = "display_name"
	factPhone         = "phone"
	factPhotoURL      = "photo_url"
	factFailure       = "sync_failure"
	factEnabling      = "enabling"
)

const (
	changedEmail    = "email"
	changedStatus   = "federation_status"
	changedPassword = "password"
)

// Firebase decides these (S1).
func accountFacts(account firebase.User) map[string]any {
	facts := map[string]any{factEmailVerified: account.EmailVerified && account.Email != ""}
	for name, says := range map[string]string{
		factDisplayName: account.DisplayName, factPhone: account.Phone, factPhotoURL: account.PhotoURL,
	} {
		if says != "" {
			facts[name] = says
		}
	}
	return facts
}

type next struct {
	email         string
	status        string
	data          map[string]any
	failure       string
	passwordStale bool
	sessionsEnd   *time.Time
	changed       []string
}

func differences(row db.RowToSyncRow, st step) next {
	was := factsOf(row.Facts)
	n := next{email: row.Email, status: or(row.FederationStatus, StatusActive), data: maps.Clone(was)}
	if st.gone {
		n.failure = FailureAccountGone
	} else {
		n.followAccount(row, st)
	}
	delete(n.data, factFailure)
	if n.failure != "" {
		n.data[factFailure] = n.failure
	}
	n.settleStatus(row, st.account)
	n.noteChanges(row, was)
	return n
}

func (n *next) followAccount(row db.RowToSyncRow, st step) {
	account := st.account
	email := PlaceholderEmail(row.ID)
	var err error
	if account.Email != "" {
		email, err = CanonicalEmail(account.Email)
	}
	switch {
	case err != nil:
		n.failure = FailureEmailUnsupported
	case email == canonicalForm(row.Email): // equal but for case
	case st.held:
		n.failure = FailureEmailHeld
	default:
		n.email = email
	}
	for _, name := range []string{factDisplayName, factPhone, factPhotoURL} {
		delete(n.data, name)
	}
	maps.Copy(n.data, accountFacts(account))
	if passwordStale(row, account) {
		n.passwordStale, n.sessionsEnd = true, &account.PasswordUpdatedAt
	}
}

// The later password counts (A7). A hash without a time is older.
func passwordStale(row db.RowToSyncRow, account firebase.User) bool {
	return or(row.AuthProvider, ProviderLocal) == ProviderHybrid && row.HasPassword && account.HasPassword &&
		account.PasswordUpdatedAt.After(or(row.PasswordSetAt, time.Time{}))
}

// WriteSync caps it at the next second.
var endOfTime = time.Unix(1<<37, 0)

// Firebase's disabled only tightens. On a deactivated row it is ours.
func (n *next) settleStatus(row db.RowToSyncRow, account firebase.User) {
	if !account.Disabled {
		delete(n.data, factEnabling)
	}
	switch {
	case n.status == StatusDisabled:
	case account.Disabled && or(row.IsActive, true) && n.data[factEnabling] != true:
		n.status, n.sessionsEnd = StatusDisabled, &endOfTime
	case n.failure != "":
		n.status = StatusFailed
	default:
		n.status = StatusActive
	}
}

func (n *next) noteChanges(row db.RowToSyncRow, was map[string]any) {
	note := func(name string, differs bool) {
		if differs {
			n.changed = append(n.changed, name)
		}
	}
	note(changedEmail, n.email != row.Email)
	note(changedStatus, n.status != or(row.FederationStatus, StatusActive))
	note(changedPassword, n.passwordStale)
	names := maps.Clone(was)
	maps.Copy(names, n.data)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		note(name, !reflect.DeepEqual(was[name], n.data[name]))
	}
}

// inStep ignores facts that the row never stored.
func inStep(row db.RowToSyncRow, account firebase.User) bool {
	if or(row.AuthProvider, ProviderLocal) == ProviderLocal || or(row.FederationStatus, StatusActive) == StatusSyncing {
		return true // Firebase does not decide
	}
	kept := factsOf(row.Facts)
	for _, name := range differences(row, step{account: account}).changed {
		_, keeps := kept[name]
		_, says := accountFacts(account)[name]
		if keeps || !says {
			return false
		}
	}
	return true
}

func factsOf(data json.RawMessage) map[string]any {
	facts := map[string]any{}
	if json.Unmarshal(data, &facts) != nil || facts == nil {
		return map[string]any{}
	}
	return facts
}

func (n next) params(id uuid.UUID) (db.WriteSyncParams, error) {
	data, err := json.Marshal(n.data)
	if err != nil {
		return db.WriteSyncParams{}, fmt.Errorf("encode the facts of user %s: %w", id, err)
	}
	return db.WriteSyncParams{
		ID: id, Email: n.email, FederationStatus: n.status, Facts: data, PasswordStale: n.passwordStale,
		SessionsEndAt: n.sessionsEnd, InStep: n.failure == "",
	}, nil
}

func (n next) synced(u User) Synced {
	out := Synced{User: u, Outcome: SyncUpdated, Failure: n.failure, Changed: n.changed}
	switch {
	case n.failure != "":
		out.Outcome = SyncFailed
	case len(n.changed) == 0:
		out.Outcome = SyncUnchanged
	}
	return out
}
