package app

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/token"
)

// keyStore keeps the last good token keys in PostgreSQL (T3).
type keyStore struct {
	pool *pgxpool.Pool
	url  string
}

func (s keyStore) LoadKeys(ctx context.Context) (token.KeySnapshot, error) {
	row, err := db.New().LoadVerificationKeys(ctx, s.pool, s.url)
	if pg.NoRows(err) {
		return token.KeySnapshot{}, nil
	}
	if err != nil {
		return token.KeySnapshot{}, fmt.Errorf("load the token keys: %w", err)
	}
	return token.KeySnapshot{
		URL: s.url, Document: row.Keys, FetchedAt: row.FetchedAt, FreshUntil: row.FreshUntil,
	}, nil
}

func (s keyStore) SaveKeys(ctx context.Context, snapshot token.KeySnapshot) error {
	err := db.New().SaveVerificationKeys(ctx, s.pool, db.SaveVerificationKeysParams{
		Source: snapshot.URL, Keys: snapshot.Document, FetchedAt: snapshot.FetchedAt, FreshUntil: snapshot.FreshUntil,
	})
	if err != nil {
		return fmt.Errorf("save the token keys: %w", err)
	}
	return nil
}
