package app

import (
	"context"
	"time"

	"auth-v2-service/internal/compare"
	"auth-v2-service/internal/config"
	"auth-v2-service/internal/fbsync"
)

// Comparison is a comparer of both sides.
type Comparison struct {
	*compare.Comparer
	Scope compare.Scope
	parts *parts
}

// OpenComparison connects. It never migrates. The caller closes. Another project than the database's is a *fbsync.WrongProjectError.
func OpenComparison(ctx context.Context, c config.Config, o Options, progress func(compare.Summary)) (*Comparison, error) {
	p, b, err := openCommand(ctx, c, o)
	if err != nil {
		return nil, err
	}
	if err := fbsync.CheckProject(ctx, b.pool, projectOf(c)); err != nil {
		p.close(closePatience)
		return nil, err
	}
	return &Comparison{
		Comparer: compare.New(compare.Options{Pool: b.pool, Accounts: b.vendor, Progress: progress}),
		Scope: compare.Scope{
			Project: c.FirebaseProjectID, Tenant: c.FirebaseTenant, Database: b.pool.Config().ConnConfig.Database,
			At: time.Now().UTC().Format(time.RFC3339),
		},
		parts: p,
	}, nil
}

// Close ends the connections.
func (c *Comparison) Close() { c.parts.close(closePatience) }
