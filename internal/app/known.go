package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/sleep"
	"auth-v2-service/internal/telemetry"
)

// knownAddresses keeps in PostgreSQL what Redis may lose: from which addresses an e-mail's person has signed in. It implements
// limit.Known, whose room knows no database. Names are kept behind the sign-in, while run runs.
type knownAddresses struct {
	pool *pgxpool.Pool
	log  *slog.Logger
	due  chan db.RememberAddressParams
}

func newKnownAddresses(pool *pgxpool.Pool, log *slog.Logger) *knownAddresses {
	return &knownAddresses{pool: pool, log: log, due: make(chan db.RememberAddressParams, 1024)}
}

// Remember implements limit.Known. What finds no room is kept with a later sign-in.
func (k *knownAddresses) Remember(name string, d time.Duration) {
	select {
	case k.due <- db.RememberAddressParams{Name: name, Seconds: d.Seconds()}:
	default:
	}
}

// recallTime is what a sign-in that a limit is about to refuse may wait for PostgreSQL.
const recallTime = 500 * time.Millisecond

// Remembers implements limit.Known.
func (k *knownAddresses) Remembers(ctx context.Context, name string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, recallTime)
	defer cancel()
	return db.New().KnowsAddress(ctx, k.pool, name)
}

// The time that one name may take to be kept, and between two sweeps of what has lapsed.
const (
	keepTime   = 2 * time.Second
	sweepEvery = time.Hour
)

// run keeps names until ctx ends.
func (k *knownAddresses) run(ctx context.Context) error {
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case name := <-k.due:
			err = k.within(ctx, func(ctx context.Context) error { return db.New().RememberAddress(ctx, k.pool, name) })
		case <-sweep.C:
			err = k.within(ctx, func(ctx context.Context) error { return db.New().ForgetAddresses(ctx, k.pool) })
		}
		if err != nil && ctx.Err() == nil {
			k.log.DebugContext(ctx, "a known address could not be kept", telemetry.FieldError, err)
			if sleep.Context(ctx, time.Second) != nil {
				return nil
			}
		}
	}
}

func (k *knownAddresses) within(ctx context.Context, do func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, keepTime)
	defer cancel()
	return do(ctx)
}
