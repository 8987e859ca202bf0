package apikey

import (
	"context"
	"crypto/subtle"
	"fmt"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/pg"
)

// ErrInvalid hides whether a key is malformed, unknown or revoked.
var ErrInvalid = fault.New(fault.TokenInvalid, "the API key is not valid")

// Store finds keys.
type Store struct{ database db.DBTX }

// NewStore returns a Store.
func NewStore(database db.DBTX) *Store { return &Store{database: database} }

// Find returns ID, Name and Scope and notes the use. An unknown id costs as much as a wrong secret. Errors: ErrInvalid.
func (s *Store) Find(ctx context.Context, presented string) (Key, error) {
	id, hash, ok := read(presented)
	if !ok {
		return Key{}, ErrInvalid
	}
	row, err := db.New().UseAPIKeyCredentials(ctx, s.database, db.UseAPIKeyCredentialsParams{ID: id, Hash: hash})
	if err != nil && !pg.NoRows(err) {
		return Key{}, fmt.Errorf("find API key %s: %w", id, pg.Fault(err))
	}
	if subtle.ConstantTimeCompare(hash, row.Hash) != 1 || row.Revoked { // empty without a row
		return Key{}, ErrInvalid
	}
	return Key{ID: row.ID, Name: row.Name, Scope: Scope(row.Scope)}, nil
}
