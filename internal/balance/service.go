package balance

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/gen/db"
)

// Service changes balances and shows the ledger. Safe for concurrent use.
type Service struct {
	pool     *pgxpool.Pool
	queries  *db.Queries
	onChange func(ctx context.Context, id uuid.UUID)
	changing chan struct{} // a place for each change that may run
}

// New makes a service. onChange hears of every row whose balance has changed, after the change is committed and before the caller
// is answered (T5).
func New(pool *pgxpool.Pool, onChange func(ctx context.Context, id uuid.UUID)) *Service {
	return &Service{
		pool: pool, queries: db.New(), onChange: onChange,
		// Changes of one user wait for each other, and each holds a connection meanwhile: half of the pool is never theirs.
		changing: make(chan struct{}, max(1, pool.Config().MaxConns/2)),
	}
}
