package apikey

import (
	"time"

	"auth-v2-service/gen/db"
)

// Scope is an operation's x-scope.
type Scope string

// Scopes of keys.
const (
	Admin   Scope = "admin"
	Balance Scope = "balance"
	Events  Scope = "events"
)

// Known reports whether the scope exists.
func (s Scope) Known() bool { return s == Admin || s == Balance || s == Events }

// Key is a key without its secret.
type Key struct {
	ID         string // public
	Name       string
	Scope      Scope
	CreatedAt  time.Time
	CreatedBy  string
	LastUsedAt *time.Time // updated hourly
	RevokedAt  *time.Time
	RevokedBy  string
}

// Actor is the audit's name.
func (k Key) Actor() string { return "key:" + k.ID }

// Operates reports whether the key opens a scope's operations; "" needs Admin.
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
