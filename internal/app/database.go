package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/config"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/sleep"
	"auth-v2-service/internal/telemetry"
)

// databaseWait is how long a start waits for a database that is not there yet.
const databaseWait = time.Minute

// openDatabase makes the pool and brings the schema to what this binary was built for, or refuses to serve on it (D1, D2).
func (p *parts) openDatabase(ctx context.Context, c config.Config, o Options) (*pgxpool.Pool, error) {
	pool, err := pg.Open(ctx, pg.Options{
		URL: c.DatabaseURL, MaxConns: c.DBPoolMax, LegacyTimezone: c.LegacyTimezone, Pooled: c.BehindPooler(),
		Tracer: p.tracing.Queries(o.QueryTracer), OnReadOnly: sayReadOnly(o.Logger, "main"),
	})
	if err != nil {
		return nil, err
	}
	p.onClose(pool.Close)
	p.metrics.Pool("main", pool)
	err = eventually(ctx, o.Logger, func() error {
		if c.MigrateOnStart == "on" {
			return schema.Migrate(ctx, schema.Options{DatabaseURL: c.DatabaseOwnerURL, Logger: o.Logger})
		}
		return schema.Ready(ctx, pool)
	})
	if err != nil {
		return pool, err
	}
	if err := p.askDatabase(ctx, pool); err != nil {
		return pool, err
	}
	if c.SchemaCheck == "off" {
		return pool, nil
	}
	return pool, eventually(ctx, o.Logger, func() error { return checkSchema(ctx, pool, c.SchemaCheck == "enforce", o.Logger) })
}

// askDatabase asks whether the database is ready, and reads its clock with the answer.
func (p *parts) askDatabase(ctx context.Context, pool *pgxpool.Pool) error {
	sent := p.clocks.Machine()
	said, err := schema.ReadyAt(ctx, pool)
	if !said.IsZero() {
		p.clocks.ReadPostgreSQL(sent, p.clocks.Machine(), said)
	}
	return err
}

// readOnlyQuiet is how long a pool's loss of a server that takes writes is not logged again.
const readOnlyQuiet = 10 * time.Second

// sayReadOnly makes what logs that a pool has closed its connections, once in a while: each request meets the same server.
func sayReadOnly(log *slog.Logger, pool string) func() {
	var quietUntil atomic.Int64
	return func() {
		now, until := time.Now(), quietUntil.Load()
		if now.UnixNano() < until || !quietUntil.CompareAndSwap(until, now.Add(readOnlyQuiet).UnixNano()) {
			return
		}
		log.WarnContext(context.Background(), "the database only reads: every connection to it is closed, until a server takes writes", telemetry.FieldPool, pool)
	}
}

// checkSchema refuses a schema in which something is missing or different; what is there beside, it only tells of. Under
// SCHEMA_CHECK=warn it refuses nothing.
func checkSchema(ctx context.Context, pool *pgxpool.Pool, enforce bool, log *slog.Logger) error {
	report, err := schema.Validate(ctx, pool)
	if err != nil {
		return err
	}
	if !report.Serves() && enforce {
		return refusal(report)
	}
	if report.State != schema.InStep {
		log.WarnContext(ctx, report.Summary(), "schema.state", string(report.State), "schema.fingerprint", report.Fingerprint)
	}
	for _, difference := range report.Differences {
		log.WarnContext(ctx, "the schema differs",
			"schema.change", string(difference.Change), "schema.kind", difference.Kind, "schema.name", difference.Name)
	}
	return nil
}

func refusal(report schema.Report) error {
	lines := []string{report.Summary()}
	for _, difference := range report.Differences {
		if difference.Blocks() {
			lines = append(lines, "  "+difference.String())
		}
	}
	lines = append(lines, "Bring it back by hand or from a backup, or start with SCHEMA_CHECK=warn and know what you do.")
	return errors.New(strings.Join(lines, "\n"))
}

// eventually tries again while the database is away: in a new environment all parts start at once. A try that works on, such as
// waiting for another instance's migrations, may take its time.
func eventually(ctx context.Context, log *slog.Logger, try func() error) error {
	since := time.Now()
	for {
		err := try()
		if err == nil || !pg.Outage(err) || pg.Unfit(err) || ctx.Err() != nil {
			return err
		}
		if time.Since(since) > databaseWait {
			return fmt.Errorf("the database was not there within %s: %w", databaseWait, err)
		}
		log.WarnContext(ctx, "waiting for the database", telemetry.FieldError, err)
		if sleep.Context(ctx, time.Second) != nil {
			return err
		}
	}
}
