package schema_test

import (
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/amacneil/dbmate/v2/pkg/dbmate"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	migrations "auth-v2-service/db"
	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/testkit/pgtest"
)

var quiet = slog.New(slog.DiscardHandler)

// database is an empty database and its address.
type database struct {
	*pgxpool.Pool
	t   *testing.T
	url string
}

func empty(t *testing.T) database {
	t.Helper()
	address := pgtest.Empty(t)
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
	if err := schema.Migrate(d.t.Context(), d.url, quiet); err != nil {
		d.t.Fatalf("migrate: %v", err)
	}
}

// lines gives the first column of a query, a line a row.
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

// names are the migrations' file names, in order.
func names(t *testing.T) []string {
	t.Helper()
	found, err := fs.Glob(migrations.Migrations, "migrations/*.sql")
	if err != nil || len(found) == 0 {
		t.Fatalf("the binary carries no migrations: %v", err)
	}
	return found
}

// mate is dbmate over the first n migrations alone, as schema.Migrate runs it.
func (d database) mate(n int) *dbmate.DB {
	d.t.Helper()
	location, err := url.Parse(d.url)
	if err != nil {
		d.t.Fatal(err)
	}
	query := location.Query()
	query.Set("sslmode", "disable")
	location.RawQuery = query.Encode()
	files := fstest.MapFS{}
	for _, name := range names(d.t)[:n] {
		text, err := fs.ReadFile(migrations.Migrations, name)
		if err != nil {
			d.t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	mate := dbmate.New(location)
	mate.FS, mate.MigrationsDir, mate.MigrationsTableName = files, []string{"migrations"}, schema.Table
	mate.AutoDumpSchema, mate.Strict, mate.Log = false, true, io.Discard
	return mate
}

// upTo applies the first n migrations.
func (d database) upTo(n int) {
	d.t.Helper()
	if err := d.mate(n).Migrate(); err != nil {
		d.t.Fatalf("migrate to %d: %v", n, err)
	}
}

// shape is all that the migrations make in the schema auth, an object a line, without the order in which columns were added.
func (d database) shape() string {
	d.t.Helper()
	return d.lines(`
		SELECT 'column ' || a.attrelid::regclass || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) ||
			' not null:' || a.attnotnull || ' default:' || coalesce(pg_get_expr(f.adbin, f.adrelid), '') ||
			' comment:' || coalesce(col_description(a.attrelid, a.attnum), '')
		FROM pg_attribute AS a
		JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind = 'r'
		LEFT JOIN pg_attrdef AS f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
		WHERE c.relnamespace = to_regnamespace('auth') AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> 'schema_migrations'
		UNION ALL
		SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || convalidated || ' ' || pg_get_constraintdef(oid)
		FROM pg_constraint WHERE connamespace = to_regnamespace('auth') AND conrelid <> 'auth.schema_migrations'::regclass
		UNION ALL
		SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'auth' AND tablename <> 'schema_migrations'
		UNION ALL
		SELECT 'function ' || pg_get_functiondef(oid) || coalesce(obj_description(oid, 'pg_proc'), '')
		FROM pg_proc WHERE pronamespace = to_regnamespace('auth')
		UNION ALL
		SELECT 'table ' || oid::regclass || ' ' || coalesce(obj_description(oid, 'pg_class'), '')
		FROM pg_class WHERE relkind = 'r' AND relnamespace = to_regnamespace('auth')
		ORDER BY 1`)
}

func (d database) applied() string {
	d.t.Helper()
	return d.lines("SELECT version FROM auth.schema_migrations ORDER BY version")
}

// people are rows as the legacy service left them, ordered; only its own columns.
func (d database) people() string {
	d.t.Helper()
	return d.lines(`SELECT concat_ws('|', id, username, email, password_hash, user_type, is_active, token_balance, last_login, created_at)
		FROM auth.users ORDER BY id`)
}

// legacyPeople fills the legacy table, what an old row leaves NULL included.
func (d database) legacyPeople(n int) {
	d.t.Helper()
	d.exec(fmt.Sprintf(`INSERT INTO auth.users (username, email, password_hash, user_type, is_active, token_balance, last_login)
		SELECT 'person ' || i, 'Person' || i || '@Example.com', 'hash ' || i, CASE WHEN i %% 3 > 0 THEN 'user' END,
			CASE WHEN i %% 4 > 0 THEN i %% 2 = 0 END, CASE WHEN i %% 5 > 0 THEN i END, CASE WHEN i %% 2 = 0 THEN now() END
		FROM generate_series(1, %d) AS i`, n))
}

func tryMigrate(d database) error { return schema.Migrate(d.t.Context(), d.url, quiet) }
