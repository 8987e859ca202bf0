package rollout

import (
	"context"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/operator"
	"auth-v2-service/internal/pg"
)

// Database is a pool.
type Database interface {
	db.DBTX
	pg.Beginner
}

// Store serves the record.
type Store struct {
	database     Database
	movesAllowed bool
}

// NewStore returns a store. movesAllowed: LEGACY_EMAIL_VERIFIED is set (M5).
func NewStore(database Database, movesAllowed bool) *Store {
	return &Store{database: database, movesAllowed: movesAllowed}
}

// Load reads the record.
func (s *Store) Load(ctx context.Context) (Record, error) { return Load(ctx, s.database) }

// Set applies an operator's change.
func (s *Store) Set(ctx context.Context, change Change, by operator.Operator) (Record, error) {
	change.MovesAllowed, change.By = s.movesAllowed, by
	_, after, err := Set(ctx, s.database, change, by.Actor)
	return after, err
}
