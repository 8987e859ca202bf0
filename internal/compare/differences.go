package compare

import (
	"strconv"
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
	DisplayName    Kind = "display_name" // where a synchronisation stored one
	ValidSince     Kind = "valid_since"  // sessions that ended here go on there
	Password       Kind = "password"     // the row has a password, the account has none
	Balance        Kind = "balance"      // the balance is not the sum of the ledger
)

// Difference names a row, an account, or both. It holds no personal data.
type Difference struct {
	Kind Kind      `json:"kind"`
	ID   uuid.UUID `json:"id,omitzero"`
	UID  string    `json:"uid,omitempty"`
}

// between returns the kinds that differ.
func between(row db.ComparedRowsRow, account firebase.User) []Kind {
	if row.AuthProvider == user.ProviderLocal {
		// A returned row keeps its uid (M7), and a row under way has none yet.
		if row.FirebaseUID == "" && row.FederationStatus != user.StatusSyncing {
			return []Kind{Provider}
		}
		return nil
	}
	moved := row.AuthProvider == user.ProviderHybrid && row.FirebaseUID == row.ID.String()
	var kinds []Kind
	note := func(kind Kind, differs bool) {
		if differs {
			kinds = append(kinds, kind)
		}
	}
	note(Email, !sameAddress(row, account))
	note(EmailVerified, verifiedHere(row, moved) != "" && verifiedHere(row, moved) != strconv.FormatBool(account.EmailVerified && account.Email != ""))
	note(Disabled, row.Admitted == account.Disabled)
	note(DisplayName, row.DisplayName != "" && row.DisplayName != account.DisplayName)
	note(ValidSince, row.TokensValidAfter != nil && account.ValidSince.Before(row.TokensValidAfter.Truncate(time.Second)))
	note(Password, moved && row.HasPassword && !account.HasPassword)
	return kinds
}

func sameAddress(row db.ComparedRowsRow, account firebase.User) bool {
	if account.Email == "" {
		return row.Email == user.PlaceholderEmail(row.ID)
	}
	here, errHere := user.CanonicalEmail(row.Email)
	there, errThere := user.CanonicalEmail(account.Email)
	return errHere == nil && errThere == nil && here == there
}

// verifiedHere is what a synchronisation stored, or what a move of a proven address sent. Empty: unknown.
func verifiedHere(row db.ComparedRowsRow, moved bool) string {
	if row.EmailVerified == "" && moved && row.EmailProven {
		return "true"
	}
	return row.EmailVerified
}
