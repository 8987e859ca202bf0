package user

import (
	"context"
	"log/slog"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/maypok86/otter/v2"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/firebase"
)

// Accounts is what this room asks of Firebase: who is behind a uid now. firebase.ErrUserNotFound means gone.
type Accounts interface {
	User(ctx context.Context, uid string) (firebase.User, error)
}

// Options say what a Store stands on. Every field is required.
type Options struct {
	Pool     *pgxpool.Pool
	Accounts Accounts
	Link     LinkPolicy
	// OnChange hears of every row whose facts have changed, after the change is committed and before the caller is answered.
	OnChange func(ctx context.Context, id uuid.UUID)
	// Owe enqueues, in the transaction of a change and after its statement, that Firebase is to follow the row (S3).
	Owe func(ctx context.Context, tx pgx.Tx, id uuid.UUID) error
	// OnSight hears how each first sight ended; for a metric.
	OnSight func(Sight)
	Logger  *slog.Logger
}

// Store reads and changes rows of auth.users. Safe for concurrent use.
type Store struct {
	pool     *pgxpool.Pool
	queries  *db.Queries
	accounts Accounts
	link     LinkPolicy
	onChange func(ctx context.Context, id uuid.UUID)
	owe      func(ctx context.Context, tx pgx.Tx, id uuid.UUID) error
	onSight  func(Sight)
	log      *slog.Logger
	seen     chan uuid.UUID
	deleting chan struct{} // a place for each deletion that may run
	disputes *otter.Cache[dispute, struct{}]
}

// NewStore makes a store. last_login moves only while Run runs.
func NewStore(o Options) *Store {
	return &Store{
		pool: o.Pool, queries: db.New(), accounts: o.Accounts, link: o.Link,
		onChange: o.OnChange, owe: o.Owe, onSight: o.OnSight, log: o.Logger,
		seen: make(chan uuid.UUID, seenQueue), disputes: newDisputes(),
		// A deletion holds a connection while Firebase is asked: three quarters of the pool are never theirs.
		deleting: make(chan struct{}, max(1, o.Pool.Config().MaxConns/4)),
	}
}
