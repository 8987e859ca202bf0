package rollout

import (
	"context"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/operator"
	"auth-v2-service/internal/pg"
)

// Database is what a Store stands on: a pool.
type Database interface {
	db.DBTX
	pg.Beginner
}

// Store is the record for those who are asked over HTTP, where the configuration has been read already.
type Store struct {
	database     Database
	movesAllowed bool
}

// NewStore makes a store. movesAllowed: LEGACY_EMAIL_VERIFIED was set on purpose (M5).
func NewStore(database Database, movesAllowed bool) *Store {
	return &Store{database: database, movesAllowed: movesAllowed}
}

// Load reads the record.
func (s *Store) Load(ctx context.Context) (Record, error) { return Load(ctx, s.database) }

// Set makes an operator's change, and gives the record after it; see the function of the same name.
func (s *Store) Set(ctx context.Context, change Change, by operator.Operator) (Record, error) {
	change.MovesAllowed, change.By = s.movesAllowed, by
	_, after, err := Set(ctx, s.database, change, by.Actor)
	return after, err
}
