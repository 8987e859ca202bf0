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

// Accounts is what this room asks of Firebase: who is behind a uid now (firebase.ErrUserNotFound means gone), and to give an account
// another address.
type Accounts interface {
	User(ctx context.Context, uid string) (firebase.User, error)
	SetEmail(ctx context.Context, uid, email string) error
}

// Options say what a Store stands on. Every field but Clocks is required.
type Options struct {
	Pool     *pgxpool.Pool
	Accounts Accounts
	Link     LinkPolicy
	// OnChange hears of every row whose facts have changed, after the change is committed and before the caller is answered.
	OnChange func(ctx context.Context, id uuid.UUID)
	// EnqueueSync enqueues, in the transaction of a change and after its statement, that Firebase is to follow the row (S3).
	EnqueueSync func(ctx context.Context, tx pgx.Tx, id uuid.UUID) error
	// Intents are the changes at Firebase that are under way. Only Change and its completion need them.
	Intents *intent.Log
	// OnSight hears how each first sight ended; for a metric.
	OnSight func(Sight)
	Logger  *slog.Logger
	// Clocks date what ends sessions. Nil: clocks that have read nothing.
	Clocks *clock.Clocks
}

// Store reads and changes rows of auth.users. Safe for concurrent use.
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
	outside     chan struct{} // a place for each transaction that may wait for Firebase
	disputes    *otter.Cache[dispute, struct{}]
	deciding    batch.Shared[sighting]      // disputes that are being decided
	holders     batch.Shared[firebase.User] // accounts that are being looked up to decide one
	batches     batchers
	misses      missRate
	patience    time.Duration // sightPatience
}

// NewStore makes a store. last_login moves only while Run runs.
func NewStore(o Options) *Store {
	if o.Clocks == nil {
		o.Clocks = clock.New(clock.Options{})
	}
	s := &Store{
		pool: o.Pool, queries: db.New(), accounts: o.Accounts, link: o.Link,
		onChange: o.OnChange, enqueueSync: o.EnqueueSync, intents: o.Intents, clocks: o.Clocks, onSight: o.OnSight, log: o.Logger,
		seen: make(chan uuid.UUID, seenQueue), disputes: newDisputes(),
		// It holds a connection while Firebase is asked: three quarters of the pool are never theirs.
		outside:  make(chan struct{}, max(1, o.Pool.Config().MaxConns/4)),
		patience: sightPatience,
	}
	s.batches = s.newBatchers()
	return s
}

// errBusyOutside says that the few transactions that may wait for Firebase all do.
var errBusyOutside = fault.Unavailable("accounts cannot be changed at the moment; try again shortly", nil)

// waitOutside takes a place among those who hold a connection while Firebase is asked.
func (s *Store) waitOutside(ctx context.Context) (leave func(), err error) {
	select {
	case s.outside <- struct{}{}:
		return func() { <-s.outside }, nil
	case <-ctx.Done():
		return nil, errBusyOutside.With(ctx.Err())
	}
}
