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

const databaseWait = time.Minute

// openDatabase also migrates, or refuses the schema (D1, D2).
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

// askDatabase also reads the database's clock.
func (p *parts) askDatabase(ctx context.Context, pool *pgxpool.Pool) error {
	sent := p.clocks.Machine()
	said, err := schema.ReadyAt(ctx, pool)
	if !said.IsZero() {
		p.clocks.ReadPostgreSQL(sent, p.clocks.Machine(), said)
	}
	return err
}

const readOnlyQuiet = 10 * time.Second

// sayReadOnly limits the log.
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

// checkSchema only logs additional objects. SCHEMA_CHECK=warn refuses nothing.
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

// eventually retries while the database is down. A try may wait for another instance's migrations.
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
