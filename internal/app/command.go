package app

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/config"
	"auth-v2-service/internal/fbsync"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/principal"
)

// OpenPool opens a command's pool at url, which may be a pooler's.
func OpenPool(ctx context.Context, c config.Config, url string) (*pgxpool.Pool, error) {
	return pg.Open(ctx, pg.Options{URL: url, LegacyTimezone: c.LegacyTimezone, Pooled: true})
}

// openCommand builds the parts that commands share with the server. They announce changes and cache nothing. It never migrates.
func openCommand(ctx context.Context, c config.Config, o Options) (_ *parts, b base, err error) {
	p := newParts(o)
	defer func() {
		if err != nil {
			p.close(closePatience)
		}
	}()
	pool, err := pg.Open(ctx, pg.Options{URL: c.DatabaseURL, LegacyTimezone: c.LegacyTimezone, Pooled: c.BehindPooler()})
	if err != nil {
		return nil, base{}, err
	}
	p.onClose(pool.Close)
	if err := p.askDatabase(ctx, pool); err != nil {
		return nil, base{}, err
	}
	remote, err := p.openRedis(c)
	if err != nil {
		return nil, base{}, err
	}
	vendor, err := p.openFirebase(ctx, c, o)
	if err != nil {
		return nil, base{}, err
	}
	outbox, err := fbsync.NewOutbox(pool)
	if err != nil {
		return nil, base{}, err
	}
	announcer := principal.NewAnnouncer(remote, o.Logger)
	retrying, stop := context.WithCancel(context.WithoutCancel(ctx))
	p.onClose(stop)
	go func() { _ = announcer.Retry(retrying) }()
	b = base{pool: pool, vendor: vendor, outbox: outbox, onChange: announcer.Announce}
	p.openMoves(c, o, b, p.openUsers(c, o, b))
	return p, b, nil
}

// Reconcile compares rows with Firebase once and notifies running instances. It never migrates.
func Reconcile(ctx context.Context, c config.Config, o Options, run fbsync.RunOptions) (fbsync.Report, error) {
	p, _, err := openCommand(ctx, c, o)
	if err != nil {
		return fbsync.Report{}, err
	}
	defer p.close(closePatience)
	return p.reconciler.Run(ctx, run)
}
