package app

import (
	"context"

	"auth-v2-service/internal/config"
	"auth-v2-service/internal/fbsync"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/user"
)

// Reconcile compares rows with Firebase once and notifies running instances. It never migrates.
func Reconcile(ctx context.Context, c config.Config, o Options, run fbsync.RunOptions) (fbsync.Report, error) {
	p := newParts(o)
	defer p.close(closePatience)
	pool, err := pg.Open(ctx, pg.Options{URL: c.DatabaseURL, LegacyTimezone: c.LegacyTimezone, Pooled: c.BehindPooler()})
	if err != nil {
		return fbsync.Report{}, err
	}
	p.onClose(pool.Close)
	if err := p.askDatabase(ctx, pool); err != nil {
		return fbsync.Report{}, err
	}
	remote, err := p.openRedis(c)
	if err != nil {
		return fbsync.Report{}, err
	}
	vendor, err := p.openFirebase(ctx, c, o)
	if err != nil {
		return fbsync.Report{}, err
	}
	outbox, err := fbsync.NewOutbox(pool)
	if err != nil {
		return fbsync.Report{}, err
	}
	p.invalidator = principal.NewInvalidator(principal.NewCache(principal.CacheOptions{OnUse: p.metrics.CacheRequest}), remote, o.Logger)
	p.users = user.NewStore(user.Options{
		Pool: pool, Accounts: vendor, Link: linkPolicy(c), OnChange: p.invalidator.Changed, EnqueueSync: outbox.Enqueue,
		OnSight: func(user.Sight) {}, Logger: o.Logger, Clocks: p.clocks,
	})
	return p.newReconciler(c, pool, vendor, outbox, o).Run(ctx, run)
}
