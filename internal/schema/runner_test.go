package schema_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/schema"
)

// A database that goes away in the middle of a step is an outage: a start tries again, and the command says so by its exit code.
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

// What the environment says of TLS holds for the sessions of steps, too: dbmate's driver is told, for it takes the URL's word first.
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
