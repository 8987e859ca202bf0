package apikey

import (
	"context"
	"crypto/subtle"
	"fmt"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/pg"
)

// ErrInvalid refuses a key that is malformed, unknown or revoked. Which of them, nobody is told.
var ErrInvalid = fault.New(fault.TokenInvalid, "the API key is not valid")

// Store finds keys for those who are asked over HTTP.
type Store struct{ database db.DBTX }

// NewStore makes a store.
func NewStore(database db.DBTX) *Store { return &Store{database: database} }

// Find says which key it is that somebody has sent, and notes that it was used. It gives ID, Name and Scope. What no key of ours
// looks like is refused without a statement; an unknown id costs what a wrong secret does. Errors: ErrInvalid, or
// dependency_unavailable.
func (s *Store) Find(ctx context.Context, presented string) (Key, error) {
	id, hash, ok := read(presented)
	if !ok {
		return Key{}, ErrInvalid
	}
	row, err := db.New().UseAPIKeyCredentials(ctx, s.database, db.UseAPIKeyCredentialsParams{ID: id, Hash: hash})
	if err != nil && !pg.NoRows(err) {
		return Key{}, fmt.Errorf("find API key %s: %w", id, pg.Fault(err))
	}
	if subtle.ConstantTimeCompare(hash, row.Hash) != 1 || row.Revoked { // no row: a hash that no secret has
		return Key{}, ErrInvalid
	}
	return Key{ID: row.ID, Name: row.Name, Scope: Scope(row.Scope)}, nil
}
