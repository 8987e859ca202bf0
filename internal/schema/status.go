package schema

import (
	"context"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/db"
	"auth-v2-service/internal/fault"
)

var versionOf = regexp.MustCompile(`^(\d+)_\w+\.sql$`)

// Files returns this binary's migrations in order.
var Files = sync.OnceValue(func() []string {
	names, err := fs.Glob(db.Migrations, "migrations/*.sql")
	if err != nil {
		panic(err)
	}
	for i, name := range names {
		names[i] = strings.TrimPrefix(name, "migrations/")
	}
	return names
})

// Version returns a file name's number, or "".
func Version(file string) string {
	if match := versionOf.FindStringSubmatch(file); match != nil {
		return match[1]
	}
	return ""
}

// Knows reports whether the version exists.
func Knows(version string) bool { return slices.Contains(versions(), version) }

var versions = sync.OnceValue(func() []string {
	var out []string
	for _, file := range Files() {
		out = append(out, Version(file))
	}
	return out
})

// Querier is a pool, a connection or a transaction.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Ready returns an error unless every migration is applied and the server takes writes. A read-only server refuses to set
// transaction_read_only to off.
func Ready(ctx context.Context, db Querier) error {
	_, err := ReadyAt(ctx, db)
	return err
}

// ReadyAt also returns PostgreSQL's time, zero if unknown.
func ReadyAt(ctx context.Context, db Querier) (now time.Time, err error) {
	var missing int
	err = db.QueryRow(ctx,
		`SELECT count(*), clock_timestamp() FROM unnest($1::text[]) AS wanted (version)
		WHERE set_config('transaction_read_only', 'off', true) = 'off'
			AND NOT EXISTS (SELECT FROM auth.schema_migrations AS applied WHERE applied.version::text = wanted.version)`,
		versions()).Scan(&missing, &now)
	if state := sqlState(err); state == undefinedTable || state == invalidSchemaName {
		missing, err = len(versions()), nil // no migration was ever applied
	}
	if err != nil {
		return time.Time{}, unread(err)
	}
	if missing > 0 {
		return now, fault.Unavailable(fmt.Sprintf("%d migrations are pending; run `authd schema migrate`, or start with MIGRATE_ON_START=on", missing), nil)
	}
	return now, nil
}
