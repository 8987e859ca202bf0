package schema_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/schema"
)

func TestMigrate_EightAtOnce_D1(t *testing.T) {
	t.Parallel()
	d := empty(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := tryMigrate(d); err != nil {
				t.Errorf("D1: an instance failed to start: %v", err)
			}
		})
	}
	all.Wait()
	if got := strings.Count(d.applied(), "\n") + 1; got != len(steps(t)) {
		t.Errorf("%d migrations are applied, expected %d", got, len(steps(t)))
	}
	if err := schema.Ready(t.Context(), d); err != nil {
		t.Errorf("O2: not ready after migrating: %v", err)
	}
	shape := d.shape()
	d.migrate()
	if d.shape() != shape {
		t.Error("migrating again has changed the schema")
	}
}

func TestMigrate_AKilledInstanceFreesTheLock_D1(t *testing.T) {
	t.Parallel()
	d := empty(t)
	holder, err := pgx.Connect(t.Context(), d.url)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close(context.WithoutCancel(t.Context()))
	if _, err := holder.Exec(t.Context(), "SELECT pg_advisory_lock($1)", schema.LockKey); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- tryMigrate(d) }()
	await(t, "a second instance that asks for the lock", func() bool {
		return d.lines("SELECT 'x' FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_try_advisory_lock%'") != ""
	})
	select {
	case err := <-done:
		t.Fatalf("it went on without the lock: %v", err)
	default:
	}
	d.exec("SELECT pg_terminate_backend($1)", holder.PgConn().PID())
	if err := within(t, done); err != nil {
		t.Errorf("D1: the instance that waited failed: %v", err)
	}
}

func TestMigrate_WaitsNoLongerThanItMay(t *testing.T) {
	t.Parallel()
	d := empty(t)
	holder, err := d.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Release()
	if _, err := holder.Exec(t.Context(), "SELECT pg_advisory_lock($1)", schema.LockKey); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := schema.Migrate(ctx, schema.Options{DatabaseURL: d.url, Logger: quiet}); err == nil || ctx.Err() == nil {
		t.Errorf("it ended with %v before its time was over", err)
	}
	if _, err := holder.Exec(t.Context(), "SELECT pg_advisory_unlock($1)", schema.LockKey); err != nil {
		t.Fatal(err)
	}
}

func TestMigrate_KilledInTheMiddleIsCompleted_D1(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.upTo("000")
	d.legacyPeople(10)
	before := d.people()
	reader, err := d.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Exec(t.Context(), "LOCK TABLE auth.users IN ACCESS SHARE MODE"); err != nil { // ALTER TABLE waits for it
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- tryMigrate(d) }()
	const stuck = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
	await(t, "a migration that waits for a reader is killed", func() bool {
		return d.lines("SELECT pg_terminate_backend(pid)::text "+stuck) != ""
	})
	if err := within(t, done); err == nil {
		t.Error("a migration whose session was killed reported success")
	}
	if err := reader.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := schema.Ready(t.Context(), d); fault.CodeOf(err) != fault.DependencyUnavailable {
		t.Errorf("O2: half a schema is %v, expected it to be not ready", err)
	}
	d.migrate()
	if d.people() != before {
		t.Error("people were changed")
	}
	if err := schema.Ready(t.Context(), d); err != nil {
		t.Errorf("not ready after the second try: %v", err)
	}
}

func TestReady_O2(t *testing.T) {
	t.Parallel()
	d := empty(t)
	if err := schema.Ready(t.Context(), d); err == nil {
		t.Error("an empty database is ready")
	}
	d.upTo(steps(t)[len(steps(t))-2])
	err := schema.Ready(t.Context(), d)
	if err == nil || !strings.Contains(err.Error(), "1 migrations are pending") {
		t.Errorf("one missing migration is %v, expected it counted", err)
	}
	d.migrate()
	d.exec("INSERT INTO auth.schema_migrations (version) VALUES ('999')")
	if err := schema.Ready(t.Context(), d); err != nil {
		t.Errorf("D2: a database ahead of this binary is %v, expected ready", err)
	}
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-limit.C:
			t.Fatalf("%s: not within 20 s", what)
		case <-tick.C:
		}
	}
}

func within(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("migrating did not end within 20 s")
		return nil
	}
}
