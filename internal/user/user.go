package user

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/token"
)

// ProviderLocal is the auth_provider of a person who signs in here, with the hash in password_hash. The others are "firebase" (at
// Firebase only) and "hybrid" (at Firebase, a local hash is kept).
const ProviderLocal = "local"

// ProviderHybrid is the auth_provider of a person who signs in at Firebase and whose local hash is kept.
const ProviderHybrid = "hybrid"

const providerFirebase = "firebase"

// The values of federation_status.
const (
	StatusActive   = "active"
	StatusSyncing  = "syncing" // being moved to Firebase, or a registration under way
	StatusFailed   = "failed"  // the last sync met an obstacle; lets in like active
	StatusDisabled = "disabled"
)

// TypeAdmin is the user_type that may operate the platform, and that no e-mail ever links by itself (F3).
const TypeAdmin = "admin"

const typeUser = "user"

// Refusals that follow from the row.
var (
	ErrDeactivated = fault.New(fault.AccountDeactivated, "this account is deactivated")
	ErrRevoked     = fault.New(fault.TokenRevoked, "this session has been ended; sign in again")
	ErrNotFound    = fault.New(fault.NotFound, "there is no such user")
)

// User is one row of auth.users without its password. What an old row leaves NULL has the meaning of D3.
type User struct {
	ID               uuid.UUID
	FirebaseUID      string // "": not linked
	AuthProvider     string
	Username         string // "": none
	Email            string // "": none (F5)
	Type             string
	IsActive         bool
	TokenBalance     int32
	FederationStatus string
	TokensValidAfter time.Time  // zero: nothing was ever revoked
	LastLogin        *time.Time // nil: never
	CreatedAt        *time.Time // nil: an old row that does not say
	UpdatedAt        *time.Time // nil: an old row that does not say
	// EmailProvenAt is when the sign-in began that first proved Email; zero: none has. EmailProvenBy is its provider, "" where the
	// platform vouches for the address or the provider is not known.
	EmailProvenAt time.Time
	EmailProvenBy string

	// What revokes legacy sessions alone. Read for their tokens only: elsewhere zero and empty.
	LegacyTokensValidAfter time.Time
	EndedSessions          []uuid.UUID
}

// Admit decides whether a session may act as this user: a deactivated account is named first, whatever else holds (F9), then a
// revoked session (T4). AuthTime has whole seconds, as auth_time and iat do.
func (u User) Admit(session token.Claims) error {
	switch {
	case !u.IsActive || u.FederationStatus == StatusDisabled:
		return ErrDeactivated
	case session.AuthTime.Before(u.TokensValidAfter), u.besideProof(session):
		return ErrRevoked
	case session.OfLegacySession() && u.legacyRevoked(session):
		return ErrRevoked
	}
	return nil
}

// besideProof says whether a session at Firebase began in the very second of the proof that ended earlier ones, and by another provider
// than the proof: auth_time has no fractions to tell which came first.
func (u User) besideProof(session token.Claims) bool {
	return session.AuthTime.Equal(u.TokensValidAfter) && u.TokensValidAfter.Equal(u.EmailProvenAt) &&
		session.Kind == token.KindFirebase && u.EmailProvenBy != "" && session.SignInProvider != u.EmailProvenBy
}

func (u User) legacyRevoked(session token.Claims) bool {
	return session.AuthTime.Before(u.LegacyTokensValidAfter) || slices.Contains(u.EndedSessions, session.SessionID)
}

// FromRow reads what every query of a person returns.
func FromRow(row db.UserByIDRow) User {
	u := User{
		ID:               row.ID,
		FirebaseUID:      or(row.FirebaseUID, ""),
		AuthProvider:     or(row.AuthProvider, ProviderLocal),
		Username:         or(row.Username, ""),
		Email:            row.Email,
		Type:             or(row.UserType, typeUser),
		IsActive:         or(row.IsActive, true),
		TokenBalance:     or(row.TokenBalance, 0),
		FederationStatus: or(row.FederationStatus, StatusActive),
		TokensValidAfter: revocation(row.TokensValidAfter),
		LastLogin:        sayable(row.LastLogin),
		CreatedAt:        sayable(row.CreatedAt),
		UpdatedAt:        sayable(row.UpdatedAt),
		EmailProvenAt:    or(sayable(row.EmailProvenAt), time.Time{}),
		EmailProvenBy:    or(row.EmailProvenBy, ""),
	}
	if strings.HasSuffix(u.Email, placeholderDomain) {
		u.Email = ""
	}
	return u
}

// FromSignIn reads what User.Admit and the way of a sign-in need of a row, and leaves out the rest.
func FromSignIn(row db.SignInCredentialsRow) User {
	return User{
		ID:               or(row.ID, uuid.Nil),
		FirebaseUID:      or(row.FirebaseUID, ""),
		AuthProvider:     or(row.AuthProvider, ProviderLocal),
		Type:             or(row.UserType, typeUser),
		IsActive:         or(row.IsActive, true),
		FederationStatus: or(row.FederationStatus, StatusActive),
		TokensValidAfter: revocation(row.TokensValidAfter),
	}
}

// sayable drops an instant that RFC 3339 cannot say (PostgreSQL's years go from 4713 BC to 294276): such a row does not say.
func sayable(t *time.Time) *time.Time {
	if t == nil || t.UTC().Year() < 1 || t.UTC().Year() > 9999 {
		return nil
	}
	return t
}

// endOfDates is the last second that RFC 3339 can say.
var endOfDates = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// revocation is an instant before which sessions are over, as RFC 3339 can say it: one that lies beyond all dates still ends every session,
// and one from before them ends none.
func revocation(t *time.Time) time.Time {
	if t != nil && t.UTC().Year() > 9999 {
		return endOfDates
	}
	return or(sayable(t), time.Time{})
}

func or[T any](value *T, otherwise T) T {
	if value == nil {
		return otherwise
	}
	return *value
}
