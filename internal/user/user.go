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

// ProviderLocal is for users with a local password only.
const ProviderLocal = "local"

// ProviderHybrid is for users at Firebase with a local hash.
const ProviderHybrid = "hybrid"

// ProviderFirebase is for users at Firebase without a local hash.
const ProviderFirebase = "firebase"

// Values of federation_status.
const (
	StatusActive   = "active"
	StatusSyncing  = "syncing" // in a move or registration
	StatusFailed   = "failed"  // users get in
	StatusDisabled = "disabled"
)

// TypeAdmin is an admin's user_type. An e-mail alone never links it (F3).
const TypeAdmin = "admin"

const typeUser = "user"

// Refusals by the row.
var (
	ErrDeactivated = fault.New(fault.AccountDeactivated, "this account is deactivated")
	ErrRevoked     = fault.New(fault.TokenRevoked, "this session has been ended; sign in again")
	ErrNotFound    = fault.New(fault.NotFound, "there is no such user")
)

// User is a row of auth.users without its password. NULL has the meaning of D3.
type User struct {
	ID               uuid.UUID
	FirebaseUID      string
	AuthProvider     string
	Username         string
	Email            string // "": none (F5)
	Type             string
	IsActive         bool
	TokenBalance     int32
	FederationStatus string
	TokensValidAfter time.Time
	LastLogin        *time.Time
	CreatedAt        *time.Time
	UpdatedAt        *time.Time
	// EmailProvenAt is the start of the sign-in that proved Email. EmailProvenBy is "" if the platform vouches.
	EmailProvenAt time.Time
	EmailProvenBy string

	LegacyTokensValidAfter time.Time
	EndedSessions          []uuid.UUID
}

// Admit refuses deactivated accounts first (F9), then revoked sessions (T4). auth_time has whole seconds.
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

// besideProof reports another provider's session in the second of the proof.
func (u User) besideProof(session token.Claims) bool {
	return session.AuthTime.Equal(u.TokensValidAfter) && u.TokensValidAfter.Equal(u.EmailProvenAt) &&
		session.Kind == token.KindFirebase && u.EmailProvenBy != "" && session.SignInProvider != u.EmailProvenBy
}

func (u User) legacyRevoked(session token.Claims) bool {
	return session.AuthTime.Before(u.LegacyTokensValidAfter) || slices.Contains(u.EndedSessions, session.SessionID)
}

// FromRow converts a row.
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

// FromSignIn maps what Admit and a sign-in need of a row.
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

// sayable drops times that RFC 3339 cannot express.
func sayable(t *time.Time) *time.Time {
	if t == nil || t.UTC().Year() < 1 || t.UTC().Year() > 9999 {
		return nil
	}
	return t
}

var endOfDates = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// A revocation beyond RFC 3339 still ends every session.
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
