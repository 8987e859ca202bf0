package token

import (
	"time"

	"github.com/google/uuid"
)

// Kind says which family of tokens a token belongs to. Its values are the contract's.
type Kind string

const (
	// KindFirebase is Firebase's RS256 ID tokens (T1).
	KindFirebase Kind = "firebase"
	// KindLegacy is the platform's own HS256 access tokens (T8): the old auth-service's and those that we sign.
	KindLegacy Kind = "legacy"
)

// Claims are what a verified token says. They are statements of the issuer at IssuedAt, not facts of today: what needs the
// row takes a principal, not claims.
type Claims struct {
	Kind Kind
	// Subject is Firebase's uid: 1 to 128 characters (T2). Empty in a legacy token.
	Subject string
	// UserID is the row's id that a legacy token names, looked up in id only (F1). Zero in Firebase's.
	UserID uuid.UUID
	// SessionID is the legacy session that the token belongs to: that of the legacy pair, or the one that a session at Firebase
	// goes on from (M9). Zero where the token names none: Firebase's own sessions, and the old auth-service's.
	SessionID     uuid.UUID
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
	// Identities are the providers of the identities linked to the account ("google.com", "email", "phone", ...). Empty for an
	// anonymous user (F5).
	Identities []string
	// AuthTime is when the person signed in; refreshed tokens keep it, also where the session has moved to Firebase since (M9). Revocation compares with it (T4). A legacy token that
	// does not say has its IssuedAt here.
	AuthTime  time.Time
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// OfLegacySession says whether what ends a legacy session ends this one, too: the legacy pair's, and one at Firebase that goes on
// from a legacy one (M9).
func (c Claims) OfLegacySession() bool { return c.Kind == KindLegacy || c.SessionID != uuid.Nil }
