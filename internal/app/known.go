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

// knownAddresses implements limit.Known in PostgreSQL, because Redis may lose data.
type knownAddresses struct {
	pool *pgxpool.Pool
	log  *slog.Logger
	due  chan db.RememberAddressParams
}

func newKnownAddresses(pool *pgxpool.Pool, log *slog.Logger) *knownAddresses {
	return &knownAddresses{pool: pool, log: log, due: make(chan db.RememberAddressParams, 1024)}
}

// Remember drops a name if the queue is full.
func (k *knownAddresses) Remember(name string, d time.Duration) {
	select {
	case k.due <- db.RememberAddressParams{Name: name, Seconds: d.Seconds()}:
	default:
	}
}

// recallTime bounds PostgreSQL's delay of a refusal.
const recallTime = 500 * time.Millisecond

func (k *knownAddresses) Remembers(ctx context.Context, name string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, recallTime)
	defer cancel()
	return db.New().KnowsAddress(ctx, k.pool, name)
}

const (
	keepTime   = 2 * time.Second
	sweepEvery = time.Hour
)

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
