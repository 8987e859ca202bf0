package pg

import (
	"context"
	"fmt"
	"time"
	_ "time/tzdata" // DB_LEGACY_TIMEZONE must resolve in a container that ships no zone files

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"
)

// Options says how to reach the database. URL is a postgres:// URL, and may name several hosts: the first that takes writes is
// connected to. The rest has defaults.
type Options struct {
	URL            string
	MaxConns       int32           // 0: pgx's default
	LegacyTimezone string          // IANA name of the zone that the platform's zoneless timestamps are in; "": UTC
	ConnectTimeout time.Duration   // 0: 2 s, so that an unreachable server is known within a request's budget
	Pooled         bool            // URL is a transaction pooler such as PgBouncer: no statement is prepared by name
	Tracer         pgx.QueryTracer // sees every statement; may be nil
	OnReadOnly     func()          // called when the pool closes its connections because the server only reads; may be nil
}

// Open makes a pool. It does not connect: a service that starts while the database is down is not ready, and gets there by
// itself. An error means that the options cannot be right. Every connection has the settings of SessionSettings and leads to a
// server that takes writes; where none is found, whatever needs a connection fails with ErrReadOnly, an outage.
func Open(ctx context.Context, o Options) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, fmt.Errorf("parse the database URL: %w", err)
	}
	zone, err := time.LoadLocation(o.LegacyTimezone)
	if err != nil {
		return nil, fmt.Errorf("load the legacy time zone: %w", err)
	}
	if o.MaxConns > 0 {
		config.MaxConns = o.MaxConns
	}
	if o.Pooled {
		// The next statement may run on another server connection, which knows no name that this one was given.
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	config.ConnConfig.ConnectTimeout = shareOf(o.ConnectTimeout, 2*time.Second, len(splitHosts(config.ConnConfig)))
	settings := SessionSettings()
	if o.Pooled {
		settings = valuesOf(tracked)
	}
	settings["TimeZone"], settings["application_name"] = zone.String(), "authd"
	pin(config.ConnConfig, settings)
	guard := newGuard(o)
	guard.watch(config)
	config.ConnConfig.Tracer = o.Tracer
	config.MaxConnLifetime = 30 * time.Minute
	config.MaxConnIdleTime = 5 * time.Minute
	config.HealthCheckPeriod = 10 * time.Second
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		registerTimes(conn.TypeMap(), zone)
		pgxuuid.Register(conn.TypeMap()) // by itself pgx writes a UUID by way of its text: fifteen times as slow
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("make the pool: %w", err)
	}
	guard.pool.Store(pool)
	return pool, nil
}

// registerTimes makes both timestamp types arrive as UTC instants. ScanLocation of a zoneless timestamp changes the instant:
// it says which zone the stored wall clock is in.
func registerTimes(types *pgtype.Map, zone *time.Location) {
	types.RegisterType(&pgtype.Type{
		Name: "timestamp", OID: pgtype.TimestampOID, Codec: &timestampCodec{pgtype.TimestampCodec{ScanLocation: zone}},
	})
	types.RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &timestamptzCodec{pgtype.TimestamptzCodec{ScanLocation: time.UTC}},
	})
}

// Beginner is what can start a transaction: a pool, or a transaction itself (which then makes a savepoint).
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// InTx runs fn in one transaction and commits it; an error or a panic of fn rolls it back.
func InTx(ctx context.Context, db Beginner, fn func(tx pgx.Tx) error) error {
	if err := pgx.BeginFunc(ctx, db, fn); err != nil {
		return fmt.Errorf("in a transaction: %w", err)
	}
	return nil
}
