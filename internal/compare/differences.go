package compare

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/user"
)

// Kind says what differs.
type Kind string

// Kinds of differences between a row and its account.
const (
	MissingAccount Kind = "missing_account"
	WithoutRow     Kind = "account_without_row"
	UID            Kind = "uid"      // the account's address is that of a row with another uid
	Provider       Kind = "provider" // the account exists, and its row is local
	Email          Kind = "email"
	EmailVerified  Kind = "email_verified"
	Disabled       Kind = "disabled"
	DisplayName    Kind = "display_name"
	ValidSince     Kind = "valid_since" // sessions that ended here go on there
	Password       Kind = "password"    // the row has a password, the account has none
	Balance        Kind = "balance"     // the balance is not the sum of the ledger
)

// Difference names a row, an account, or both. It holds no personal data.
type Difference struct {
	Kind Kind      `json:"kind"`
	ID   uuid.UUID `json:"id,omitzero"`
	UID  string    `json:"uid,omitempty"`
}

const passwordProvider = "password"

func between(row db.ComparedRowsRow, account firebase.User) []Kind {
	if row.AuthProvider == user.ProviderLocal {
		// A returned row keeps its uid (M7), and a row under way has none yet.
		if row.FirebaseUID == "" && row.FederationStatus != user.StatusSyncing {
			return []Kind{Provider}
		}
		return nil
	}
	var kinds []Kind
	note := func(kind Kind, differs bool) {
		if differs {
			kinds = append(kinds, kind)
		}
	}
	note(Email, account.Email != "" && !sameAddress(row.Email, account.Email))
	note(EmailVerified, row.EmailVerified != "" && row.EmailVerified != text(account.EmailVerified && account.Email != ""))
	note(Disabled, row.Admitted == account.Disabled)
	note(DisplayName, expectedName(row) != "" && expectedName(row) != account.DisplayName)
	note(ValidSince, row.TokensValidAfter != nil && account.ValidSince.Before(row.TokensValidAfter.Truncate(time.Second)))
	note(Password, row.HasPassword && row.AuthProvider == user.ProviderHybrid && row.FirebaseUID == row.ID.String() &&
		!account.HasPassword && !slices.Contains(account.Providers, passwordProvider))
	return kinds
}

func sameAddress(a, b string) bool {
	left, errLeft := user.CanonicalEmail(a)
	right, errRight := user.CanonicalEmail(b)
	return errLeft == nil && errRight == nil && left == right
}

// expectedName is the name that a synchronisation stored, or the one that a move sent.
func expectedName(row db.ComparedRowsRow) string {
	if row.DisplayName == "" && row.FirebaseUID == row.ID.String() {
		return row.Username
	}
	return row.DisplayName
}

func text(is bool) string {
	if is {
		return "true"
	}
	return "false"
}
