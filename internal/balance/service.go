package balance

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/gen/db"
)

// Service is safe for concurrent use.
type Service struct {
	pool     *pgxpool.Pool
	queries  *db.Queries
	onChange func(ctx context.Context, id uuid.UUID)
	changing chan struct{}
}

// New returns a Service. onChange is called after each commit (T5).
func New(pool *pgxpool.Pool, onChange func(ctx context.Context, id uuid.UUID)) *Service {
	return &Service{
		pool: pool, queries: db.New(), onChange: onChange,
		// Waiting changes hold connections; half of the pool stays free.
		changing: make(chan struct{}, max(1, pool.Config().MaxConns/2)),
	}
}
