package token

import "time"

// Kind says which family of tokens a token belongs to. Its values are the contract's.
type Kind string

// KindFirebase is Firebase's RS256 ID tokens (T1).
const KindFirebase Kind = "firebase"

// Claims are what a verified token says. They are statements of the issuer at IssuedAt, not facts of today: what needs the
// row takes a principal, not claims.
type Claims struct {
	Kind Kind
	// Subject is Firebase's uid: 1 to 128 characters (T2).
	Subject       string
	Email         string
	EmailVerified bool
	Name          string
	Picture       string
	// Phone is the verified number of a phone sign-in, in E.164.
	Phone string
	// SignInProvider is how this session began: password, google.com, phone, anonymous, custom, ...
	SignInProvider string
	// Tenant equals the verifier's (T2); empty where the project has none.
	Tenant string
	// Identities are the identities linked to the account, by provider ("google.com", "email", "phone", ...). Empty for an
	// anonymous user (F5). A provider whose value is not a list of strings is present with none.
	Identities map[string][]string
	// AuthTime is when the person signed in; refreshed tokens keep it. Revocation compares with it (T4).
	AuthTime  time.Time
	IssuedAt  time.Time
	ExpiresAt time.Time
}
