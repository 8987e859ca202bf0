package token

import (
	"time"

	"github.com/google/uuid"
)

// Kind is a family of tokens, in the contract's words.
type Kind string

const (
	// KindFirebase is Firebase's RS256 ID tokens (T1).
	KindFirebase Kind = "firebase"
	// KindLegacy is the platform's HS256 access tokens (T8).
	KindLegacy Kind = "legacy"
)

// Kinds returns every kind.
func Kinds() []Kind { return []Kind{KindFirebase, KindLegacy} }

// Claims are the issuer's statements at IssuedAt, not the current row.
type Claims struct {
	Kind Kind
	// Subject is Firebase's uid, 1 to 128 characters (T2).
	Subject string
	// UserID is a legacy token's row id (F1).
	UserID uuid.UUID
	// SessionID is the token's legacy session, or the one that its Firebase session continues (M9).
	SessionID     uuid.UUID
	Email         string
	EmailVerified bool
	Name          string
	Picture       string
	// Phone is a verified number in E.164.
	Phone string
	// SignInProvider is password, google.com, phone, anonymous, custom, ...
	SignInProvider string
	Tenant         string
	// Identities are the linked providers; none for an anonymous user (F5).
	Identities []string
	// AuthTime is the sign-in's time, also in refreshed and carried-over sessions (M9). Revocation compares with it (T4). A legacy token
	// without it gets IssuedAt.
	AuthTime  time.Time
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// OfLegacySession reports whether a legacy session's end ends this one, too (M9).
func (c Claims) OfLegacySession() bool { return c.Kind == KindLegacy || c.SessionID != uuid.Nil }
