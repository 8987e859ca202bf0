package schema

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/amacneil/dbmate/v2/pkg/dbmate"
	_ "github.com/amacneil/dbmate/v2/pkg/driver/postgres" // dbmate finds its drivers by URL scheme
	"github.com/jackc/pgx/v5"

	"auth-v2-service/db"
)

// Table is where dbmate keeps the versions it has applied.
const Table = "auth.schema_migrations"

// lockKey names the advisory lock of migrating: any constant that nobody else in this database uses.
const lockKey = 0x61757468_76320001

// lockPoll is how often a waiting instance tries. A blocking pg_advisory_lock would deadlock with CREATE INDEX CONCURRENTLY,
// which waits for every older transaction, the waiter's included.
const lockPoll = 50 * time.Millisecond

// Migrate applies what is pending, under an advisory lock. databaseURL must reach PostgreSQL itself, not a transaction pooler.
func Migrate(ctx context.Context, databaseURL string, log *slog.Logger) error {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return fmt.Errorf("connect for migrating: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) // frees the lock
	if err := lock(ctx, conn); err != nil {
		return err
	}
	mate, err := mateOf(databaseURL, conn)
	if err != nil {
		return err
	}
	pending, err := pendingOf(mate)
	if err != nil || len(pending) == 0 {
		return err
	}
	log.InfoContext(ctx, "migrating the database", "pending", strings.Join(pending, ", "))
	if err := mate.Migrate(); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// lock waits until this session holds the lock; the session's end releases it, also after kill -9.
func lock(ctx context.Context, conn *pgx.Conn) error {
	for {
		var held bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(lockKey)).Scan(&held); err != nil {
			return fmt.Errorf("lock for migrating: %w", err)
		}
		if held {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for another instance to migrate: %w", ctx.Err())
		case <-time.After(lockPoll):
		}
	}
}

func mateOf(databaseURL string, conn *pgx.Conn) (*dbmate.DB, error) {
	location, err := url.Parse(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("parse the database URL for migrating: %w", err)
	}
	withSSLMode(location, conn)
	mate := dbmate.New(location)
	mate.FS = db.Migrations
	mate.MigrationsDir = []string{"migrations"}
	mate.MigrationsTableName = Table
	mate.AutoDumpSchema = false
	mate.Strict = true
	mate.Log = io.Discard
	return mate, nil
}

// withSSLMode spells out what pgx has negotiated: dbmate's driver knows no sslmode=prefer and would insist on TLS.
func withSSLMode(location *url.URL, conn *pgx.Conn) {
	query := location.Query()
	if mode := query.Get("sslmode"); mode != "" && mode != "prefer" && mode != "allow" {
		return
	}
	mode := "disable"
	if _, encrypted := conn.PgConn().Conn().(*tls.Conn); encrypted {
		mode = "require"
	}
	query.Set("sslmode", mode)
	location.RawQuery = query.Encode()
}

func pendingOf(mate *dbmate.DB) ([]string, error) {
	migrations, err := mate.FindMigrations()
	if err != nil {
		return nil, fmt.Errorf("look for pending migrations: %w", err)
	}
	var pending []string
	for _, migration := range migrations {
		if !migration.Applied {
			pending = append(pending, migration.FileName)
		}
	}
	return pending, nil
}
