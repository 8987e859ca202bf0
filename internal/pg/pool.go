package pg

import (
	"context"
	"fmt"
	"time"
	_ "time/tzdata" // containers may ship no zone files

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"
)

// Options configure a pool. URL may name several hosts: the first that takes writes is used.
type Options struct {
	URL            string
	MaxConns       int32
	LegacyTimezone string        // zone of zoneless timestamps; "": UTC
	ConnectTimeout time.Duration // 0: 2 s, within a request's budget
	Pooled         bool          // URL is a transaction pooler
	Tracer         pgx.QueryTracer
	OnReadOnly     func() // called when a read-only server makes the pool close its connections
}

// Open makes a pool without connecting: the service may start before the database. Every connection has SessionSettings and a server that
// takes writes. Without one, statements fail with ErrReadOnly, an outage.
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
		// Another server connection does not know a prepared name.
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
		pgxuuid.Register(conn.TypeMap()) // pgx alone is fifteen times slower
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("make the pool: %w", err)
	}
	guard.pool.Store(pool)
	return pool, nil
}

// registerTimes returns UTC instants. ScanLocation is the stored wall clock's zone.
func registerTimes(types *pgtype.Map, zone *time.Location) {
	types.RegisterType(&pgtype.Type{
		Name: "timestamp", OID: pgtype.TimestampOID, Codec: &timestampCodec{pgtype.TimestampCodec{ScanLocation: zone}},
	})
	types.RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &timestamptzCodec{pgtype.TimestamptzCodec{ScanLocation: time.UTC}},
	})
}

// Beginner is a pool, or a transaction for a savepoint.
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// InTx commits, or rolls back after an error or panic.
func InTx(ctx context.Context, db Beginner, fn func(tx pgx.Tx) error) error {
	if err := pgx.BeginFunc(ctx, db, fn); err != nil {
		return fmt.Errorf("in a transaction: %w", err)
	}
	return nil
}
