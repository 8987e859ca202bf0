package rollback

import (
	"slices"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/password"
	"auth-v2-service/internal/user"
)

// Codes of users that stay at Firebase.
const (
	CodeSecondFactor  = "second_factor" // local sign-ins ask for none
	CodeFederatedOnly = "federated_only"
	CodePhoneOnly     = "phone_only"
	CodeNoPassword    = "no_password"
	CodeNoHash        = "no_hash"      // neither side has one
	CodeUnknownHash   = "unknown_hash" // of parameters that are not known
	CodeSetAside      = "set_aside"    // the password is older than a link that took the row's out of use (F3)
	CodeLocal         = "local_already"
	CodeDisabled      = "disabled_there" // the row admits the user: until the next sync (S1)
)

// Codes of failures and of users to look at again.
const (
	CodeEmailDiffers   = "email_differs" // until the next sync
	CodeAccountMissing = "account_missing"
	CodeChanged        = "changed"
	CodeSyncing        = "claimed"
)

// Ways of a returned user's password.
const (
	WayLocal    = "local_password"
	WayFirebase = "firebase_password"
)

// stays returns why only Firebase can sign this user in, or "".
func stays(row db.ReturnCandidatesRow, account firebase.ExportedUser, configs configs) string {
	switch {
	case account.Disabled && row.Admitted:
		return CodeDisabled
	case len(account.Factors) > 0:
		return CodeSecondFactor
	case !account.HasPassword:
		return withoutPassword(account.Providers)
	case account.HashMalformed:
		return CodeUnknownHash
	case len(account.Hash) == 0 && !row.HasPassword:
		return CodeNoHash
	case len(account.Hash) == 0:
		return ""
	}
	config, known := configs[account.Version]
	hash := password.ScryptHash{Config: config.ScryptConfig, Hash: account.Hash, Salt: account.Salt}
	switch {
	case !known || hash.Check() != nil:
		return CodeUnknownHash
	case row.SetAside && !row.Settled:
		return CodeSetAside
	}
	return ""
}

func withoutPassword(providers []string) string {
	switch {
	case slices.ContainsFunc(providers, func(p string) bool { return p != "phone" && p != "password" }):
		return CodeFederatedOnly
	case slices.Contains(providers, "phone"):
		return CodePhoneOnly
	}
	return CodeNoPassword
}

func sameAddress(row db.ReturnCandidatesRow, account firebase.ExportedUser) bool {
	ours, err := user.CanonicalEmail(row.Email)
	if err != nil {
		return false
	}
	theirs, err := user.CanonicalEmail(account.Email)
	return err == nil && ours == theirs
}
