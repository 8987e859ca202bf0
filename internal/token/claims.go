package token

import (
	"time"

	"github.com/google/uuid"
)

// Kind is a family of tokens, as the contract spells it.
type Kind string

const (
	// KindFirebase is Firebase's RS256 ID tokens (T1).
	KindFirebase Kind = "firebase"
	// KindLegacy is the platform's HS256 access tokens (T8), made by the old auth-service or by this one.
	KindLegacy Kind = "legacy"
)

// Claims are the issuer's statements at IssuedAt. Code that needs the current row takes a principal instead.
type Claims struct {
	Kind Kind
	// Subject is Firebase's uid, 1 to 128 characters (T2); empty in a legacy token.
	Subject string
	// UserID is a legacy token's row id, looked up in id only (F1).
	UserID uuid.UUID
	// SessionID is the legacy session of the token, or the one that its Firebase session continues (M9). Firebase's own sessions and the
	// old auth-service's have none.
	SessionID     uuid.UUID
	Email         string
	EmailVerified bool
	Name          string
	Picture       string
	// Phone is a phone sign-in's verified number, in E.164.
	Phone string
	// SignInProvider is password, google.com, phone, anonymous, custom, ...
	SignInProvider string
	// Tenant equals the verifier's (T2).
	Tenant string
	// Identities are the linked providers ("google.com", "email", ...); none for an anonymous user (F5).
	Identities []string
	// AuthTime is the time of the sign-in. Refreshed and carried-over sessions (M9) keep it, and revocation compares with it (T4). It
	// defaults to a legacy token's IssuedAt.
	AuthTime  time.Time
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// OfLegacySession reports whether the end of a legacy session ends this one, too (M9).
func (c Claims) OfLegacySession() bool { return c.Kind == KindLegacy || c.SessionID != uuid.Nil }
