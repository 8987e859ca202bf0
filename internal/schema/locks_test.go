package schema_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/schema"
)

func (d database) hold(address, application, sql string) *pgx.Conn {
	d.t.Helper()
	config, err := pgx.ParseConfig(address)
	if err != nil {
		d.t.Fatal(err)
	}
	config.RuntimeParams["application_name"] = application
	conn, err := pgx.ConnectConfig(d.t.Context(), config)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(d.t.Context())) })
	if _, err := conn.Exec(d.t.Context(), "BEGIN; "+sql); err != nil {
		d.t.Fatalf("%s: %v", sql, err)
	}
	return conn
}

func (d database) let(conn *pgx.Conn) {
	d.t.Helper()
	if _, err := conn.Exec(d.t.Context(), "ROLLBACK"); err != nil {
		d.t.Fatal(err)
	}
}

func (d database) giveUp(patience time.Duration) *schema.LockedError {
	d.t.Helper()
	began := time.Now()
	err := schema.Migrate(d.t.Context(), schema.Options{DatabaseURL: d.url, Patience: patience, Logger: quiet})
	var locked *schema.LockedError
	if !errors.As(err, &locked) {
		d.t.Fatalf("D4: it ended with %v, expected a LockedError", err)
	}
	if pg.Outage(err) {
		d.t.Error("D4: it passes for an outage, in which a start tries again")
	}
	if took := time.Since(began); took < patience || took > patience+5*time.Second {
		d.t.Errorf("D4: it gave up after %s, expected its patience of %s", took, patience)
	}
	d.t.Logf("after %s: %v", time.Since(began).Round(time.Millisecond), err)
	return locked
}

func expectHolder(t *testing.T, locked *schema.LockedError, pid uint32, application, user string) {
	t.Helper()
	for _, b := range locked.Blockers {
		if b.PID == int(pid) && b.Application == application && b.User == user {
			return
		}
	}
	t.Errorf("D4: pid %d of %s (%s) is in the way, named are %v", pid, user, application, locked.Blockers)
}

const readUsers = "LOCK TABLE auth.users IN ACCESS SHARE MODE"

func TestMigrate_GivesUpBehindALongTransaction_D4(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"001", "002", "003", "005", "008"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			d := empty(t)
			d.upTo(before(t, version))
			lock := readUsers
			if version == "008" { // its foreign key waits for writers
				lock = "UPDATE auth.users SET username = username"
			}
			shape := d.shape()
			holder := d.hold(d.url, "nightly report", lock)
			w := d.traffic()
			locked := d.giveUp(1500 * time.Millisecond)
			w.finish(t)
			expectHolder(t, locked, holder.PgConn().PID(), "nightly report", d.lines("SELECT current_user::text"))
			expectSame(t, "the schema after giving up", shape, d.shape())
			d.let(holder)
			d.migrate()
			d.expectInStep()
		})
	}
}

func before(t *testing.T, version string) string {
	t.Helper()
	last := ""
	for _, step := range steps(t) {
		if step == version {
			return last
		}
		last = step
	}
	t.Fatalf("there is no migration %s", version)
	return ""
}

func (d database) expectInStep() {
	d.t.Helper()
	report, err := schema.Validate(d.t.Context(), d)
	if err != nil {
		d.t.Fatal(err)
	}
	if report.State != schema.InStep {
		d.t.Errorf("the schema is %s: %s", report.State, report.Summary())
	}
}

func (d database) stranger() (role, address string) {
	d.t.Helper()
	role = "stranger_" + strings.ToLower(rand.Text()[:8])
	d.exec("CREATE ROLE " + role + " LOGIN PASSWORD 'of-a-test'")
	d.t.Cleanup(func() {
		ctx := context.WithoutCancel(d.t.Context())
		conn, err := pgx.Connect(ctx, d.url)
		if err != nil {
			d.t.Fatal(err)
		}
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, fmt.Sprintf("GRANT %[1]s TO CURRENT_USER; DROP OWNED BY %[1]s; DROP ROLE %[1]s", role)); err != nil {
			d.t.Errorf("drop the role: %v", err)
		}
	})
	u, err := url.Parse(d.url)
	if err != nil {
		d.t.Fatal(err)
	}
	u.User = url.UserPassword(role, "of-a-test")
	return role, u.String()
}

func TestMigrate_NamesAHolderOfAnotherRole_D4(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.upTo("000")
	role, address := d.stranger()
	d.exec("GRANT USAGE ON SCHEMA auth TO " + role)
	d.exec("GRANT SELECT ON auth.users TO " + role)
	holder := d.hold(address, "a report", readUsers)
	expectHolder(t, d.giveUp(500*time.Millisecond), holder.PgConn().PID(), "a report", role)
	if err := holder.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestMigrate_ALongReaderStopsNoWriterOfAnIndex_D4(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.upTo("009")
	reader := d.hold(d.url, "a long report", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT count(*) FROM auth.users")
	w := d.traffic()
	done := make(chan error, 1)
	go func() { done <- tryMigrate(d) }()
	await(t, "a build that waits for the reader", func() bool {
		return d.lines(`SELECT 'x' FROM pg_stat_progress_create_index AS p JOIN pg_stat_activity AS a USING (pid)
			WHERE p.datname = current_database() AND a.wait_event_type = 'Lock'`) != ""
	})
	w.during(t, 2*time.Second)
	w.finish(t)
	select {
	case err := <-done:
		t.Fatalf("it did not wait for the reader: %v", err)
	default:
	}
	d.let(reader)
	if err := within(t, done); err != nil {
		t.Errorf("D4: it failed once the reader had gone: %v", err)
	}
	d.expectInStep()
}

func (w *writer) during(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case err := <-w.ended:
		t.Fatalf("the writer failed: %v", err)
	case <-time.After(d):
	}
}

func TestMigrate_GivesUpOnAnIndex_D4(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		holds string
		half  bool
	}{
		"a writer of the table": {holds: "UPDATE auth.users SET username = username", half: true},
		"an old snapshot":       {holds: "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := empty(t)
			d.upTo("009")
			d.legacyRow()
			shape := d.shape()
			holder := d.hold(d.url, "somebody", c.holds)
			began := time.Now()
			w := d.traffic()
			locked := d.giveUp(time.Second)
			w.finish(t)
			expectHolder(t, locked, holder.PgConn().PID(), "somebody", d.lines("SELECT current_user::text"))
			if left := strings.Contains(d.shape(), "INVALID"); left != c.half {
				t.Errorf("half an index is left: %t, expected %t", left, c.half)
			}
			if !c.half {
				expectSame(t, "the schema after giving up", shape, d.shape())
				d.let(holder)
				d.migrate()
				d.expectInStep()
				return
			}
			again := d.giveUp(time.Second) // the drop needs the lock, too
			expectHolder(t, again, holder.PgConn().PID(), "somebody", d.lines("SELECT current_user::text"))
			d.let(holder)
			d.migrate()
			d.expectInStep()
			t.Logf("took %s in all", time.Since(began).Round(time.Millisecond))
		})
	}
}

func (d database) legacyRow() {
	d.t.Helper()
	d.exec("INSERT INTO auth.users (username, email, password_hash) VALUES ('old', 'old@example.com', 'x')")
}

func TestMigrate_AFailedIndexLeavesNoHalf(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.upTo("009")
	d.exec(`INSERT INTO auth.users (username, email, password_hash, firebase_uid)
		SELECT 'twin ' || i, 'twin' || i || '@example.com', 'x', 'the-same-uid-of-two-people' FROM generate_series(1, 2) AS i`)
	shape := d.shape()
	if err := tryMigrate(d); err == nil || !strings.Contains(err.Error(), "idx_users_firebase_uid") {
		t.Fatalf("two rows of one uid are %v, expected the index named", err)
	}
	expectSame(t, "the schema after failing", shape, d.shape())
}

func TestMigrate_WritersGoOn_D4(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.upTo("000")
	d.legacyPeople(100_000)
	w := d.traffic()
	began := time.Now()
	d.migrate()
	t.Logf("17 migrations over 100,000 rows took %s", time.Since(began).Round(time.Millisecond))
	w.finish(t)
	d.expectInStep()
}

func TestMigrate_EndsTheSessionsOfKilledMigrators_D1(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.upTo("014")
	orphan := d.hold(d.url, "authd-migrate-ORPHAN", "LOCK TABLE auth.users IN ACCESS EXCLUSIVE MODE")
	began := time.Now()
	d.migrate()
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	if err := orphan.Ping(t.Context()); err == nil {
		t.Error("D1: the session of a migrator that is gone lives on")
	}
	d.expectInStep()
}

func (d database) owner() (role, address string) {
	d.t.Helper()
	role, address = d.stranger()
	d.exec("GRANT ALL ON DATABASE " + pgx.Identifier{d.lines("SELECT current_database()")}.Sanitize() + " TO " + role)
	return role, address
}

func (d database) migrateAs(address string, patience time.Duration, log *slog.Logger) error {
	return schema.Migrate(d.t.Context(), schema.Options{DatabaseURL: address, To: "009", Patience: patience, Logger: log})
}

func TestMigrate_AStrangerWithAMigratorsNameStopsNobody_D1(t *testing.T) {
	t.Parallel()
	d := empty(t)
	_, stranger := d.stranger()
	_, owner := d.owner()
	imposter := d.hold(stranger, "authd-migrate-x", "SELECT 1")
	done := make(chan error, 1)
	go func() { done <- d.migrateAs(owner, time.Minute, quiet) }()
	if err := within(t, done); err != nil {
		t.Errorf("D1: %v", err)
	}
	if err := imposter.Ping(t.Context()); err != nil {
		t.Errorf("the stranger's session was ended: %v", err)
	}
	if err := imposter.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestMigrate_AStrangerWithTheLockIsNamed_D1(t *testing.T) {
	t.Parallel()
	d := empty(t)
	role, stranger := d.stranger()
	_, owner := d.owner()
	holder := d.hold(stranger, "a game", fmt.Sprintf("SELECT pg_advisory_lock(%d)", schema.LockKey))
	done := make(chan error, 1)
	go func() { done <- d.migrateAs(owner, 500*time.Millisecond, quiet) }()
	err := within(t, done)
	var locked *schema.LockedError
	if !errors.As(err, &locked) || pg.Outage(err) {
		t.Fatalf("D1: it ended with %v, expected a LockedError", err)
	}
	expectHolder(t, locked, holder.PgConn().PID(), "a game", role)
	if err := holder.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestMigrate_WaitsForOneOfOursAndNamesHim_D1(t *testing.T) {
	t.Parallel()
	d := empty(t)
	holder := d.hold(d.url, "a long migration", fmt.Sprintf("SELECT pg_advisory_lock(%d)", schema.LockKey))
	var said lines
	done := make(chan error, 1)
	go func() { done <- d.migrateAs(d.url, 100*time.Millisecond, slog.New(slog.NewTextHandler(&said, nil))) }()
	name := fmt.Sprintf("pid %d (a long migration, user ", holder.PgConn().PID())
	await(t, "a line that names the holder", func() bool { return strings.Contains(said.String(), name) })
	select {
	case err := <-done:
		t.Fatalf("D1: it did not wait: %v", err)
	case <-time.After(500 * time.Millisecond): // far beyond its patience
	}
	if err := holder.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := within(t, done); err != nil {
		t.Errorf("D1: the instance that waited failed: %v", err)
	}
}

type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestMigrate_NothingPendingWaitsForNobody_D1(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.upTo("009")
	d.hold(d.url, "a new release", fmt.Sprintf("SELECT pg_advisory_lock(%d)", schema.LockKey))
	done := make(chan error, 1)
	go func() { done <- d.migrateAs(d.url, time.Minute, quiet) }()
	if err := within(t, done); err != nil {
		t.Errorf("D1: %v", err)
	}
	d.exec("DELETE FROM auth.schema_migrations WHERE version = '003'")
	go func() { done <- d.migrateAs(d.url, time.Minute, quiet) }()
	if err := within(t, done); err == nil || !strings.Contains(err.Error(), "has been applied") {
		t.Errorf("an order that is wrong is %v, expected a refusal", err)
	}
}
