package schema

import (
	"context"
	"fmt"
	"io/fs"
	"regexp"
	"sync"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/db"
	"auth-v2-service/internal/fault"
)

var versionOf = regexp.MustCompile(`^(\d+)_\w+\.sql$`)

// versions lists the versions of the migrations that this binary carries, in order.
var versions = sync.OnceValue(func() []string {
	names, err := fs.Glob(db.Migrations, "migrations/*.sql")
	if err != nil {
		panic(err) // only a malformed pattern can fail
	}
	var out []string
	for _, name := range names {
		if match := versionOf.FindStringSubmatch(name[len("migrations/"):]); match != nil {
			out = append(out, match[1])
		}
	}
	return out
})

// Querier is a pool, a connection or a transaction.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Ready says whether every migration of this binary has been applied: one query, an error names how many are missing.
func Ready(ctx context.Context, db Querier) error {
	var missing int
	err := db.QueryRow(ctx,
		`SELECT count(*) FROM unnest($1::text[]) AS wanted (version)
		WHERE NOT EXISTS (SELECT FROM auth.schema_migrations AS applied WHERE applied.version = wanted.version)`,
		versions()).Scan(&missing)
	if err != nil {
		return fmt.Errorf("read the applied migrations: %w", err)
	}
	if missing > 0 {
		return fault.Unavailable(fmt.Sprintf("%d migrations are pending; start with MIGRATE_ON_START=on to apply them", missing), nil)
	}
	return nil
}
