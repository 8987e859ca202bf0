package schema_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/testkit/netfault"
)

func TestMigrate_AnOutageInAStepIsOne(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.upTo("000")
	d.hold(d.url, "a report", readUsers)
	done := make(chan error, 1)
	go func() { done <- tryMigrate(d) }()
	await(t, "a step that waits is killed", func() bool {
		return d.lines(`SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`) != ""
	})
	if err := within(t, done); !pg.Outage(err) {
		t.Errorf("a step whose session the server ended is %v, expected an outage", err)
	}
}

func TestMigrate_StepsCheckTheServerAsTheFirstConnectionDoes(t *testing.T) {
	const anywhere = "postgres://somebody@db.example.com/platform"
	for _, c := range []struct {
		environment, url string
		encrypted        bool
		want             string
	}{
		{"verify-full", "", true, "verify-full"},
		{"verify-ca", "", true, "verify-ca"},
		{"require", "", true, "require"},
		{"prefer", "", true, "require"},
		{"prefer", "", false, "disable"},
		{"allow", "", true, "require"},
		{"disable", "", false, "disable"},
		{"", "", true, "require"},
		{"verify-full", "prefer", true, "require"},
		{"disable", "verify-ca", true, "verify-ca"},
	} {
		t.Setenv("PGSSLMODE", c.environment)
		address := anywhere
		if c.url != "" {
			address += "?sslmode=" + c.url
		}
		config, err := pgx.ParseConfig(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := schema.SSLMode(c.url, c.encrypted, config.TLSConfig); got != c.want {
			t.Errorf("PGSSLMODE=%s and sslmode=%s in the URL: %s, expected %s", c.environment, c.url, got, c.want)
		}
	}
}

const workers = `FROM pg_stat_activity WHERE datname = current_database() AND starts_with(application_name, 'authd-migrate-')`

const longRead = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT count(*) FROM auth.users"

func (d database) waiting(ctx context.Context, address string) chan error {
	d.t.Helper()
	done := make(chan error, 1)
	go func() { done <- schema.Migrate(ctx, schema.Options{DatabaseURL: address, Logger: quiet}) }()
	await(d.t, "a step that waits", func() bool { return d.lines("SELECT 'x' "+workers+" AND wait_event_type = 'Lock'") != "" })
	return done
}

func (d database) building() (reader *pgx.Conn, done chan error) {
	d.t.Helper()
	d.upTo("009")
	reader = d.hold(d.url, "a long report", longRead)
	return reader, d.waiting(d.t.Context(), d.url)
}

func TestMigrate_ABuildThatIsEndedIsNotRecorded(t *testing.T) {
	t.Parallel()
	d := empty(t)
	reader, done := d.building()
	d.exec("SELECT pg_terminate_backend(pid) " + workers)
	if err := within(t, done); !pg.Outage(err) {
		t.Errorf("it ended with %v, expected an outage", err)
	}
	if got := d.lines("SELECT max(version) FROM auth.schema_migrations"); got != "009" {
		t.Errorf("the last applied is %s, expected 009", got)
	}
	d.let(reader)
	d.migrate()
	d.expectInStep()
}

func TestMigrate_WithoutTheLockTheStepEnds_D1(t *testing.T) {
	t.Parallel()
	d := empty(t)
	reader, done := d.building()
	d.exec(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	if err := within(t, done); !pg.Outage(err) {
		t.Errorf("D1: it ended with %v, expected an outage", err)
	}
	await(t, "the end of the step's session", func() bool { return d.lines("SELECT application_name "+workers) == "" })
	d.let(reader)
	d.migrate()
	d.expectInStep()
}

func TestMigrate_WithoutTheLockNoStepBegins_D1(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.upTo("000")
	holder := d.hold(d.url, "a report", readUsers)
	done := make(chan error, 1)
	go func() { done <- tryMigrate(d) }()
	await(t, "a step between two tries whose lock is taken away", func() bool {
		return d.lines("SELECT 'x' "+workers) != "" && d.lines(`SELECT pg_terminate_backend(pid)::text FROM pg_locks WHERE locktype = 'advisory'
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`) != ""
	})
	if err := within(t, done); !pg.Outage(err) {
		t.Errorf("D1: it ended with %v, expected an outage", err)
	}
	d.let(holder)
	if got := d.applied(); got != "000" {
		t.Errorf("D1: applied are %s, expected nothing more than before", got)
	}
}

func TestMigrate_LeavesAServerThatHangs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ from, holds string }{
		"in a transaction":   {from: "000", holds: readUsers},
		"beside the traffic": {from: "009", holds: longRead},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := empty(t)
			d.upTo(c.from)
			holder := d.hold(d.url, "a report", c.holds)
			wire, address := netfault.URL(t, d.url)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := d.waiting(ctx, address)
			wire.Hang()
			cancel()
			began := time.Now()
			if err := within(t, done); !errors.Is(err, context.Canceled) {
				t.Errorf("it ended with %v, expected the context's error", err)
			}
			if took := time.Since(began); took > 12*time.Second {
				t.Errorf("it took %s to leave", took)
			}
			wire.Cut()
			await(t, "the end of the step at the server", func() bool { return d.lines("SELECT application_name "+workers) == "" })
			d.let(holder)
			d.migrate()
			d.expectInStep()
		})
	}
}
