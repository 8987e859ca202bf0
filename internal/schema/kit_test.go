package schema_test

import (
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	migrations "auth-v2-service/db"
	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/testkit/pgtest"
)

var quiet = slog.New(slog.DiscardHandler)

type database struct {
	*pgxpool.Pool
	t   *testing.T
	url string
}

func empty(t *testing.T) database {
	t.Helper()
	return connect(t, pgtest.Empty(t))
}

// migrated copies a database, a hundred times faster than migrating.
func migrated(t *testing.T) database {
	t.Helper()
	return connect(t, pgtest.New(t))
}

func connect(t *testing.T, address string) database {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return database{pool, t, address}
}

func (d database) exec(sql string, args ...any) {
	d.t.Helper()
	if _, err := d.Exec(d.t.Context(), sql, args...); err != nil {
		d.t.Fatalf("%s: %v", sql, err)
	}
}

func (d database) migrate() {
	d.t.Helper()
	if err := tryMigrate(d); err != nil {
		d.t.Fatalf("migrate: %v", err)
	}
}

func (d database) lines(sql string, args ...any) string {
	d.t.Helper()
	rows, err := d.Query(d.t.Context(), sql, args...)
	if err != nil {
		d.t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		d.t.Fatal(err)
	}
	return strings.Join(found, "\n")
}

func steps(t *testing.T) []string {
	t.Helper()
	found, err := fs.Glob(migrations.Migrations, "migrations/*.sql")
	if err != nil || len(found) == 0 {
		t.Fatalf("the binary carries no migrations: %v", err)
	}
	for i, name := range found {
		found[i], _, _ = strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
	}
	return found
}

func (d database) upTo(version string) {
	d.t.Helper()
	if err := schema.Migrate(d.t.Context(), schema.Options{DatabaseURL: d.url, To: version, Logger: quiet}); err != nil {
		d.t.Fatalf("migrate to %s: %v", version, err)
	}
}

// downTo takes down all above version; "": only the newest.
func (d database) downTo(version string) error {
	_, err := schema.Rollback(d.t.Context(), schema.Options{DatabaseURL: d.url, Logger: quiet}, version)
	return err
}

func (d database) shape() string {
	d.t.Helper()
	found, err := schema.Read(d.t.Context(), d)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(found.Lines())
}

func (d database) applied() string {
	d.t.Helper()
	return d.lines("SELECT version FROM auth.schema_migrations ORDER BY version")
}

func (d database) people() string {
	d.t.Helper()
	return d.lines(`SELECT concat_ws('|', id, username, email, password_hash, user_type, is_active, token_balance, last_login, created_at)
		FROM auth.users ORDER BY id`)
}

func (d database) legacyPeople(n int) {
	d.t.Helper()
	d.exec(fmt.Sprintf(`INSERT INTO auth.users (username, email, password_hash, user_type, is_active, token_balance, last_login)
		SELECT 'person ' || i, 'Person' || i || '@Example.com', 'hash ' || i, CASE WHEN i %% 3 > 0 THEN 'user' END,
			CASE WHEN i %% 4 > 0 THEN i %% 2 = 0 END, CASE WHEN i %% 5 > 0 THEN i END, CASE WHEN i %% 2 = 0 THEN now() END
		FROM generate_series(1, %d) AS i`, n))
}

func tryMigrate(d database) error {
	return schema.Migrate(d.t.Context(), schema.Options{DatabaseURL: d.url, Logger: quiet})
}
