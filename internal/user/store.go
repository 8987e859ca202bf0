package user

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/maypok86/otter/v2"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/batch"
	"auth-v2-service/internal/clock"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/intent"
)

// Accounts is this package's view of Firebase.
type Accounts interface {
	User(ctx context.Context, uid string) (firebase.User, error)
	SetEmail(ctx context.Context, uid, email string) error
}

// Options configure a Store. Clocks may be nil.
type Options struct {
	Pool     *pgxpool.Pool
	Accounts Accounts
	Link     LinkPolicy
	// OnChange is called after each commit, before the answer.
	OnChange func(ctx context.Context, id uuid.UUID)
	// EnqueueSync runs in the change's transaction (S3).
	EnqueueSync func(ctx context.Context, tx pgx.Tx, id uuid.UUID) error
	Intents     *intent.Log
	OnSight     func(Sight)
	Logger      *slog.Logger
	Clocks      *clock.Clocks
}

// Store is safe for concurrent use.
type Store struct {
	pool        *pgxpool.Pool
	queries     *db.Queries
	accounts    Accounts
	link        LinkPolicy
	onChange    func(ctx context.Context, id uuid.UUID)
	enqueueSync func(ctx context.Context, tx pgx.Tx, id uuid.UUID) error
	intents     *intent.Log
	clocks      *clock.Clocks
	onSight     func(Sight)
	log         *slog.Logger
	seen        chan uuid.UUID
	outside     chan struct{} // slots for transactions that call Firebase
	disputes    *otter.Cache[dispute, struct{}]
	deciding    batch.Shared[sighting]
	holders     batch.Shared[firebase.User]
	batches     batchers
	misses      missRate
	patience    time.Duration
}

// NewStore returns a Store. last_login needs Run.
func NewStore(o Options) *Store {
	if o.Clocks == nil {
		o.Clocks = clock.New(clock.Options{})
	}
	s := &Store{
		pool: o.Pool, queries: db.New(), accounts: o.Accounts, link: o.Link,
		onChange: o.OnChange, enqueueSync: o.EnqueueSync, intents: o.Intents, clocks: o.Clocks, onSight: o.OnSight, log: o.Logger,
		seen: make(chan uuid.UUID, seenQueue), disputes: newDisputes(),
		// Each holds a connection; three quarters of the pool stay free.
		outside:  make(chan struct{}, max(1, o.Pool.Config().MaxConns/4)),
		patience: sightPatience,
	}
	s.batches = s.newBatchers()
	return s
}

var errBusyOutside = fault.Unavailable("accounts cannot be changed at the moment; try again shortly", nil)

func (s *Store) waitOutside(ctx context.Context) (leave func(), err error) {
	select {
	case s.outside <- struct{}{}:
		return func() { <-s.outside }, nil
	case <-ctx.Done():
		return nil, errBusyOutside.With(ctx.Err())
	}
}
