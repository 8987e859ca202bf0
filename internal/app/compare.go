package app

import (
	"context"
	"time"

	"auth-v2-service/internal/compare"
	"auth-v2-service/internal/config"
	"auth-v2-service/internal/pg"
)

// Comparison is a comparer of both sides.
type Comparison struct {
	*compare.Comparer
	Scope compare.Scope
	parts *parts
}

// OpenComparison connects. It never migrates. The caller closes.
func OpenComparison(ctx context.Context, c config.Config, o Options, progress func(compare.Summary)) (*Comparison, error) {
	p := newParts(o)
	out, err := p.openComparison(ctx, c, o, progress)
	if err != nil {
		p.close(closePatience)
		return nil, err
	}
	return out, nil
}

// Close ends the connections.
func (c *Comparison) Close() { c.parts.close(closePatience) }

func (p *parts) openComparison(
	ctx context.Context, c config.Config, o Options, progress func(compare.Summary),
) (*Comparison, error) {
	pool, err := pg.Open(ctx, pg.Options{URL: c.DatabaseURL, LegacyTimezone: c.LegacyTimezone, Pooled: c.BehindPooler()})
	if err != nil {
		return nil, err
	}
	p.onClose(pool.Close)
	if err := p.askDatabase(ctx, pool); err != nil {
		return nil, err
	}
	vendor, err := p.openFirebase(ctx, c, o)
	if err != nil {
		return nil, err
	}
	scope := compare.Scope{
		Project: c.FirebaseProjectID, Tenant: c.FirebaseTenant, Database: pool.Config().ConnConfig.Database,
		At: time.Now().UTC().Format(time.RFC3339),
	}
	return &Comparison{
		Comparer: compare.New(compare.Options{Pool: pool, Accounts: vendor, Progress: progress}), Scope: scope, parts: p,
	}, nil
}
