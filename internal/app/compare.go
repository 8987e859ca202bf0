package app

import (
	"context"
	"time"

	"auth-v2-service/internal/compare"
	"auth-v2-service/internal/config"
)

// Comparison is a comparer of both sides.
type Comparison struct {
	*compare.Comparer
	Scope compare.Scope
	parts *parts
}

// OpenComparison connects. It never migrates. The caller closes.
func OpenComparison(ctx context.Context, c config.Config, o Options, progress func(compare.Summary)) (*Comparison, error) {
	p, b, err := openCommand(ctx, c, o)
	if err != nil {
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
