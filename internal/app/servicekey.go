package app

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/pg"
)

const (
	factsKeyName  = "facts"
	limitsKeyName = "limits"
)

const serviceKeyBytes = 32

// sharedKey returns setting, or a random key from PostgreSQL. Other services know the token secrets, so no key derives from them.
func sharedKey(ctx context.Context, pool *pgxpool.Pool, name, setting string) ([]byte, error) {
	if setting != "" {
		return []byte(setting), nil
	}
	key, err := db.New().ServiceKey(ctx, pool, name)
	if pg.NoRows(err) {
		key, err = makeSharedKey(ctx, pool, name)
	}
	if err != nil {
		return nil, fmt.Errorf("read the shared key %q: %w", name, pg.Fault(err))
	}
	return key, nil
}

// makeSharedKey returns the stored key, possibly another instance's.
func makeSharedKey(ctx context.Context, pool *pgxpool.Pool, name string) ([]byte, error) {
	key := make([]byte, serviceKeyBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("make a random key: %w", err)
	}
	if err := db.New().MakeServiceKey(ctx, pool, db.MakeServiceKeyParams{Name: name, Key: key}); err != nil {
		return nil, err
	}
	return db.New().ServiceKey(ctx, pool, name)
}
