package schema_test

import (
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/devstack/postgres"
	"auth-v2-service/internal/schema"
)

func TestMigrate_AutovacuumGivesWay_D4(t *testing.T) {
	d := onServerOf(t, "autovacuum_naptime", "1s")
	d.upTo("000")
	d.legacyPeople(20_000)
	d.exec(`ALTER TABLE auth.users SET (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0,
		autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)`)
	d.exec("UPDATE auth.users SET updated_at = now()")
	vacuumed := func() bool {
		return d.lines(`SELECT count(*)::text FROM pg_stat_activity JOIN pg_locks USING (pid)
			WHERE usesysid IS NULL AND relation = 'auth.users'::regclass AND granted`) != "0"
	}
	for end := time.Now().Add(time.Minute); !vacuumed(); {
		if time.Now().After(end) {
			t.Fatal("autovacuum never came: the test has nothing to say")
		}
		d.exec("SELECT pg_sleep(0.05)")
	}
	began := time.Now()
	w := d.traffic()
	err := schema.Migrate(t.Context(), schema.Options{DatabaseURL: d.url, Logger: quiet, Patience: 10 * time.Second})
	if err != nil {
		t.Errorf("D4: %v", err)
	}
	t.Logf("migrated in %s", time.Since(began).Round(time.Millisecond))
	w.finish(t)
}

func onServerOf(t *testing.T, setting, value string) database {
	t.Helper()
	server, err := postgres.Start(t.Context(), postgres.Options{DataDir: filepath.Join(t.TempDir(), "data")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	if err := server.CreateDatabase(t.Context(), "vacuum"); err != nil {
		t.Fatal(err)
	}
	super, err := url.Parse(server.URL("vacuum"))
	if err != nil {
		t.Fatal(err)
	}
	password, _ := super.User.Password()
	super.User = url.UserPassword("postgres", password)
	conn, err := pgx.Connect(t.Context(), super.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, statement := range []string{"ALTER SYSTEM SET " + setting + " = '" + value + "'", "SELECT pg_reload_conf()"} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	pool, err := pgxpool.New(t.Context(), server.URL("vacuum"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return database{pool, t, server.URL("vacuum")}
}
