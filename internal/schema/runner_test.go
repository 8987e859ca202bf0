package schema_test

import (
	"testing"

	"auth-v2-service/internal/pg"
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
