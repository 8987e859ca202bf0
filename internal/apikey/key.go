package apikey

import (
	"time"

	"auth-v2-service/gen/db"
)

// Scope is what a key is for. The contract names an operation's scope in x-scope.
type Scope string

// The scopes. A service has a key for each thing that it does.
const (
	Admin   Scope = "admin" // whatever an admin may do
	Balance Scope = "balance"
	Events  Scope = "events"
)

// Known reports whether there is such a scope.
func (s Scope) Known() bool { return s == Admin || s == Balance || s == Events }

// Key is a key without its secret.
type Key struct {
	ID         string // public
	Name       string // what the operator who made it calls it
	Scope      Scope
	CreatedAt  time.Time
	CreatedBy  string     // an actor, as internal/audit names them
	LastUsedAt *time.Time // nil: never; lags by an hour
	RevokedAt  *time.Time // nil: it counts
	RevokedBy  string
}

// Actor names the key as the audit does.
func (k Key) Actor() string { return "key:" + k.ID }

// Operates reports whether the key opens an operation for operators that keys of a scope open, too ("": admin's keys alone).
func (k Key) Operates(scope Scope) bool {
	return k.Scope == Admin || scope != "" && k.Scope == scope
}

func fromRow(row db.APIKeyRow) Key {
	k := Key{
		ID: row.ID, Name: row.Name, Scope: Scope(row.Scope), CreatedAt: row.CreatedAt, CreatedBy: row.CreatedBy,
		LastUsedAt: row.LastUsedAt, RevokedAt: row.RevokedAt,
	}
	if row.RevokedBy != nil {
		k.RevokedBy = *row.RevokedBy
	}
	return k
}
