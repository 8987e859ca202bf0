package schema_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/devstack/postgres"
	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/testkit/pgtest"
)

// servingMay lists the serving role's rights. A new table needs a line here and a grant.
var servingMay = map[string]string{
	"api_keys":              "SELECT",
	"audit_events":          "SELECT INSERT", // append-only
	"federation_archive":    "",              // for migrations only
	"bulk_run_users":        "SELECT INSERT UPDATE",
	"bulk_runs":             "SELECT INSERT UPDATE",
	"firebase_project":      "SELECT INSERT UPDATE",
	"ledger_entries":        "SELECT", // its trigger appends
	"legacy_sessions":       "SELECT INSERT UPDATE DELETE",
	"firebase_intents":      "SELECT INSERT DELETE",
	"firebase_hash_configs": "SELECT INSERT", // never replaced
	"firebase_passwords":    "SELECT INSERT UPDATE DELETE",
	"known_addresses":       "SELECT INSERT UPDATE DELETE",
	"move_claims":           "SELECT INSERT UPDATE DELETE",
	"reconcile_listed":      "SELECT INSERT DELETE",
	"river_job":             "SELECT INSERT UPDATE DELETE",
	"river_leader":          "SELECT INSERT UPDATE DELETE",
	"river_notification":    "SELECT INSERT UPDATE DELETE",
	"river_queue":           "SELECT INSERT UPDATE DELETE",
	"rollout":               "SELECT UPDATE",
	"schema_migrations":     "SELECT",
	"service_keys":          "SELECT INSERT", // never replaced
	"set_aside_passwords":   "SELECT INSERT UPDATE",
	"tombstones":            "SELECT INSERT",
	"users":                 "SELECT INSERT UPDATE DELETE",
	"verification_keys":     "SELECT INSERT UPDATE",
}

var servingMayColumns = "UPDATE api_keys.last_used_at, UPDATE firebase_intents.change"

var ownersAlone = []string{"CreateAPIKey", "RevokeAPIKey"}

// beyondQueries explains rights that no query needs.
var beyondQueries = map[string]string{
	"SELECT on schema_migrations": "the schema's own check reads it",
	"SELECT on audit_events":      "operators read it",
}

func (d database) serving() database {
	d.t.Helper()
	address := pgtest.Serving(d.t, d.url)
	pool, err := pgxpool.New(d.t.Context(), address)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(pool.Close)
	return database{pool, d.t, address}
}

func TestServingRole_MayDoWhatWasDecidedAboutEachTable(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	tables := strings.Split(d.lines("SELECT relname::text FROM pg_class WHERE relnamespace = 'auth'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') ORDER BY 1"), "\n")
	for _, table := range tables {
		decided, ok := servingMay[table]
		if !ok {
			t.Errorf("nobody has decided what a serving instance may do with auth.%s: grant it in a migration (or not) and say so here", table)
			continue
		}
		may := d.lines(`SELECT coalesce(string_agg(may, ' ' ORDER BY n), '')
			FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) WITH ORDINALITY AS all_of_them (may, n)
			WHERE has_table_privilege('auth_serving', 'auth.' || quote_ident($1), may)`, table)
		if may != decided {
			t.Errorf("a serving instance may %q on auth.%s, decided was %q", may, table, decided)
		}
	}
	columns := d.lines(`SELECT coalesce(string_agg(acl.privilege_type || ' ' || relname || '.' || attname, ', ' ORDER BY relname, attname), '')
		FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid CROSS JOIN LATERAL aclexplode(attacl) AS acl
		WHERE relnamespace = 'auth'::regnamespace AND acl.grantee = 'auth_serving'::regrole`)
	if columns != servingMayColumns {
		t.Errorf("of columns a serving instance may %q, decided was %q", columns, servingMayColumns)
	}
	if len(tables) != len(servingMay) {
		t.Errorf("%d tables are decided about, and %d are there", len(servingMay), len(tables))
	}
}

// asked uses EXPLAIN, which checks rights.
type asked struct {
	pgx.Tx
	t       *testing.T
	refused *[]string
}

var errAsked = errors.New("only asked")

func (a asked) ask(ctx context.Context, sql string, args []any) error {
	savepoint, err := a.Begin(ctx)
	if err != nil {
		a.t.Fatal(err)
	}
	_, err = savepoint.Exec(ctx, "EXPLAIN "+sql, args...)
	if schema.Forbidden(err) {
		*a.refused = append(*a.refused, queryName.FindStringSubmatch(sql)[1])
	} else if err != nil {
		a.t.Errorf("explain %s: %v", sql, err)
	}
	if err := savepoint.Rollback(ctx); err != nil {
		a.t.Fatal(err)
	}
	return errAsked
}

func (a asked) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, a.ask(ctx, sql, args)
}

func (a asked) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return nil, a.ask(ctx, sql, args)
}

func (a asked) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return noRow{a.ask(ctx, sql, args)}
}

type noRow struct{ error }

func (r noRow) Scan(...any) error { return r.error }

func (d database) refusedQueries(done string) (refused []string) {
	d.t.Helper()
	tx, err := d.Begin(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(d.t.Context())) }()
	if _, err := tx.Exec(d.t.Context(), done+"; SET LOCAL ROLE auth_serving"); err != nil {
		d.t.Fatal(err)
	}
	for _, run := range everyQuery() {
		run(d.t.Context(), db.New(), asked{tx, d.t, &refused})
	}
	return refused
}

func TestServingRole_HasExactlyWhatTheQueriesNeed(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	_ = d.serving() // lets the owner act for it
	if refused := d.refusedQueries("SELECT 1"); !slices.Equal(slices.Sorted(slices.Values(refused)), ownersAlone) {
		t.Errorf("a serving instance may not run %v, expected %v", refused, ownersAlone)
	}
	if refused := d.refusedQueries("REVOKE UPDATE (last_used_at) ON auth.api_keys FROM auth_serving"); len(refused) == len(ownersAlone) {
		t.Error("UPDATE of last_used_at is given, and no statement needs it")
	}
	for table, rights := range servingMay {
		for right := range strings.FieldsSeq(rights) {
			if beyondQueries[right+" on "+table] != "" || strings.HasPrefix(table, "river_") { // River brings its own statements
				continue
			}
			if refused := d.refusedQueries("REVOKE " + right + " ON auth." + table + " FROM auth_serving"); len(refused) == len(ownersAlone) {
				t.Errorf("%s on auth.%s is given, and no statement needs it", right, table)
			}
		}
	}
}

func TestServingRole_IsRefusedWhatIsNotItsBusiness(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	d.exec("INSERT INTO auth.audit_events (action, actor) VALUES ('login', 'system')")
	serving := d.serving()
	for _, statement := range []string{
		"UPDATE auth.audit_events SET actor = 'somebody else'",
		"DELETE FROM auth.audit_events",
		"TRUNCATE auth.audit_events",
		"DELETE FROM auth.tombstones",
		"UPDATE auth.tombstones SET deleted_at = '-infinity'",
		"DELETE FROM auth.rollout",
		"INSERT INTO auth.api_keys (id, name, scope, hash, created_by) VALUES ('mine', 'mine', 'admin', '', 'me')",
		"UPDATE auth.api_keys SET revoked_at = NULL, revoked_by = NULL",
		"UPDATE auth.api_keys SET scope = 'admin'",
		"INSERT INTO auth.ledger_entries (user_id, amount, balance_after, kind, caller) VALUES (gen_random_uuid(), 1, 1, 'external', 'me')",
		"UPDATE auth.ledger_entries SET amount = 7",
		"DELETE FROM auth.ledger_entries",
		"SELECT facts FROM auth.federation_archive",
		"INSERT INTO auth.schema_migrations (version) VALUES ('999')",
		"TRUNCATE auth.users CASCADE",
		"ALTER TABLE auth.users ADD COLUMN note text",
		"ALTER TABLE auth.audit_events DISABLE TRIGGER ALL",
		"CREATE TABLE auth.notes (id int)",
		"CREATE FUNCTION auth.mine() RETURNS int LANGUAGE sql RETURN 1",
		"CREATE TRIGGER mine BEFORE INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
		"CREATE INDEX ON auth.users (last_login)",
		"DROP TABLE auth.audit_events",
		"SET ROLE " + d.lines("SELECT quote_ident(current_user)"),
		"CREATE ROLE another",
	} {
		if _, err := serving.Exec(t.Context(), statement); !schema.Forbidden(err) {
			t.Errorf("%s: %v, expected a refusal", statement, err)
		}
	}
	if _, err := serving.Exec(t.Context(), "INSERT INTO auth.audit_events (action, actor) VALUES ('login', 'system')"); err != nil {
		t.Errorf("it cannot record what was done: %v", err)
	}
}

func TestServingRole_ChecksTheSchema_D2(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	serving := d.serving()
	if err := schema.Ready(t.Context(), serving); err != nil {
		t.Errorf("O2: %v", err)
	}
	serving.expectInStep()
	d.exec("DROP INDEX auth.idx_users_is_active")
	report, err := schema.Validate(t.Context(), serving)
	if err != nil || report.State != schema.Drifted {
		t.Errorf("D2: it sees %s (%v), expected the drift", report.State, err)
	}
}

func TestServingRole_DownAndUp_D5(t *testing.T) {
	t.Parallel()
	server, err := postgres.Start(t.Context(), postgres.Options{DataDir: filepath.Join(t.TempDir(), "data")}) // roles belong to a server
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	one, other := ownServer(t, server, "one"), ownServer(t, server, "other")
	role := func() string {
		return one.lines("SELECT count(*)::text FROM pg_roles WHERE rolname = 'auth_serving'")
	}
	down := func(d database) {
		t.Helper()
		if err := d.downTo(beforeServing(t)); err != nil {
			t.Fatal(err)
		}
	}
	one.migrate()
	other.migrate()
	shape := one.shape()
	down(one)
	if role() != "1" || strings.Contains(one.shape(), "auth_serving") {
		t.Error("the role must stay for the other database, and have no right here")
	}
	if _, err := schema.Validate(t.Context(), other); err != nil {
		t.Error(err)
	}
	other.expectInStep()
	one.exec("CREATE ROLE authd LOGIN IN ROLE auth_serving")
	down(other)
	if role() != "1" {
		t.Error("the role went while it has a member")
	}
	one.exec("DROP ROLE authd")
	other.migrate()
	down(other)
	if role() != "0" {
		t.Error("the role is left, of no use to anybody")
	}
	one.migrate()
	expectSame(t, "up again", shape, one.shape())
	one.exec(`REVOKE ALL ON ALL TABLES IN SCHEMA auth FROM auth_serving; REVOKE ALL ON ALL FUNCTIONS IN SCHEMA auth FROM auth_serving;
		REVOKE ALL ON ALL SEQUENCES IN SCHEMA auth FROM auth_serving; REVOKE ALL ON SCHEMA auth FROM auth_serving; DROP ROLE auth_serving`)
	down(one)
	one.migrate()
	expectSame(t, "after a restore without grants", shape, one.shape())
}

func beforeServing(t *testing.T) string {
	t.Helper()
	all := steps(t)
	return all[slices.Index(all, "028")-1]
}

func ownServer(t *testing.T, server *postgres.Server, name string) database {
	t.Helper()
	if err := server.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.New(t.Context(), server.URL(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return database{pool, t, server.URL(name)}
}

func TestServingRole_AnOwnerWithoutCreateRoleIsToldWhatToDo(t *testing.T) {
	t.Parallel()
	server, err := postgres.Start(t.Context(), postgres.Options{DataDir: filepath.Join(t.TempDir(), "data")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	d := ownServer(t, server, "one")
	d.exec("ALTER ROLE " + postgres.Role + " NOCREATEROLE")
	err = tryMigrate(d)
	if err == nil {
		t.Fatal("it migrated without the role")
	}
	for _, word := range []string{"auth_serving is not there", postgres.Role + " may not make it", "CREATE ROLE auth_serving NOLOGIN"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the refusal does not say %q: %v", word, err)
		}
	}
	if !slices.Contains(strings.Split(d.applied(), "\n"), beforeServing(t)) {
		t.Errorf("applied are %s, expected all before it", d.applied())
	}
}

func TestServingRole_ManyDatabasesAtOnce_D1(t *testing.T) {
	t.Parallel()
	server, err := postgres.Start(t.Context(), postgres.Options{DataDir: filepath.Join(t.TempDir(), "data")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	for _, name := range []string{"one", "two", "three", "four"} {
		d := ownServer(t, server, name)
		d.upTo(beforeServing(t))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 15 {
				if err := tryMigrate(d); err != nil {
					t.Fatal(err)
				}
				d.expectInStep()
				if err := d.downTo(beforeServing(t)); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
