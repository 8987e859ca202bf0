package e2e

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/testkit/programs"
	"auth-v2-service/internal/testkit/servicetest"
)

// orphanLimit limits a killed instance's statement at the server.
const orphanLimit = 2 * time.Second

// moment is a point at which another transaction blocks a migration.
type moment struct {
	name    string
	version string
	arrange func(t *testing.T, stack *servicetest.Stack)
	hold    string
	half    bool // an index is half-built
}

const writesUsers, oldSnapshot = "LOCK TABLE auth.users IN ROW EXCLUSIVE MODE", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1"

// moments block each migration inside its own statements. Others block when they are recorded.
var moments = []moment{
	{version: "000", hold: `CREATE EXTENSION "uuid-ossp" WITH SCHEMA public`},
	{version: "001", hold: "LOCK TABLE auth.users IN ACCESS SHARE MODE"},
	{version: "002", hold: "LOCK TABLE auth.users IN ACCESS SHARE MODE"},
	{version: "003", hold: "LOCK TABLE auth.users IN ACCESS SHARE MODE"},
	{version: "004", hold: "LOCK TABLE auth.users IN ACCESS EXCLUSIVE MODE"},
	{version: "005", hold: "LOCK TABLE auth.users IN ACCESS SHARE MODE"},
	{version: "006", hold: "CREATE TABLE auth.tombstones (id int)"},
	{version: "007", hold: "CREATE TABLE auth.audit_events (id int)"},
	{version: "008", hold: writesUsers},
	{version: "009", hold: "CREATE TABLE auth.verification_keys (id int)"},
	{version: "010", hold: writesUsers, half: true},
	{version: "011", hold: writesUsers, half: true},
	{version: "012", hold: writesUsers, half: true},
	{version: "013", hold: writesUsers, half: true},
	{version: "014", hold: writesUsers, half: true},
	{version: "010", hold: oldSnapshot, half: true, name: "built, behind an old snapshot"},
	{version: "013", hold: oldSnapshot, half: true, name: "built, behind an old snapshot"},
	{version: "015", hold: "LOCK TABLE auth.users IN SHARE UPDATE EXCLUSIVE MODE"},
	{
		version: "016", arrange: archivePeople, name: "in its second batch",
		hold: "SELECT FROM auth.users WHERE id = (SELECT max(key)::uuid FROM auth.federation_archive WHERE relation = 'auth.users') FOR UPDATE",
	},
}

// archivePeople archives more rows than one batch of the last migration.
func archivePeople(t *testing.T, stack *servicetest.Stack) {
	t.Helper()
	migrateTo(t, stack, "")
	execute(t, stack, `INSERT INTO auth.users (username, email, auth_provider, firebase_uid)
		SELECT 'person ' || i, 'person' || i || '@example.com', 'firebase', 'the-firebase-uid-of-person-' || i FROM generate_series(1, 1500) AS i`)
	if _, err := schema.Rollback(t.Context(), schema.Options{DatabaseURL: stack.DirectURL, Logger: slog.New(slog.DiscardHandler)}, "000"); err != nil {
		t.Fatal(err)
	}
}

func migrateTo(t *testing.T, stack *servicetest.Stack, version string) {
	t.Helper()
	err := schema.Migrate(t.Context(), schema.Options{DatabaseURL: stack.DirectURL, To: version, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("migrate to %s: %v", version, err)
	}
}

func TestInstances_KilledInEachMigrationOthersComplete_D1(t *testing.T) {
	t.Parallel()
	binary, shared := programs.Authd(t), servicetest.NewStack(t)
	for _, m := range moments {
		t.Run(strings.TrimSpace(m.version+" "+m.name), func(t *testing.T) {
			t.Parallel()
			stack := m.reached(t, shared)
			holder := hold(t, stack, m.hold)
			victim := launch(t, binary, stack, migrating)
			awaitWorker(t, stack)
			others := []*instance{launch(t, binary, stack, migrating), launch(t, binary, stack, migrating)}
			worker := awaitWorker(t, stack)
			if half := count(t, stack, "pg_index WHERE NOT indisvalid"); m.half != (half == 1) {
				t.Fatalf("%d indexes are half-built, expected %t", half, m.half)
			}
			victim.kill(t)
			expectGone(t, stack, worker)
			expectPending(t, stack, m.version)
			release(t, holder)
			for _, other := range others {
				other.awaitReady(t)
			}
			expectInStep(t, stack)
			expectNobodyLost(t, stack, m)
		})
	}
}

// The statement at the server ends in time, and the next instance continues.
func TestInstances_KilledAtEachRecordRerunCompletes_D1(t *testing.T) {
	t.Parallel()
	binary, shared := programs.Authd(t), servicetest.NewStack(t)
	const reach = 12
	for files := range slices.Chunk(schema.Files(), reach) {
		t.Run("from "+schema.Version(files[0]), func(t *testing.T) {
			t.Parallel()
			stack := moment{version: schema.Version(files[0])}.reached(t, shared)
			for _, file := range files {
				version := schema.Version(file)
				holder := hold(t, stack, "INSERT INTO auth.schema_migrations (version) VALUES ('"+version+"')")
				victim := launch(t, binary, stack, migrating)
				worker := awaitWorker(t, stack)
				victim.kill(t)
				expectGone(t, stack, worker)
				expectPending(t, stack, version)
				release(t, holder)
			}
			launch(t, binary, stack, migrating).awaitReady(t)
			expectInStep(t, stack)
		})
	}
}

// reached returns a database in which the moment's migration is next.
func (m moment) reached(t *testing.T, shared *servicetest.Stack) *servicetest.Stack {
	t.Helper()
	stack := onEmpty(t, shared)
	if m.arrange != nil {
		m.arrange(t, stack)
	}
	if at := slices.IndexFunc(schema.Files(), func(file string) bool { return schema.Version(file) == m.version }); at > 0 {
		migrateTo(t, stack, schema.Version(schema.Files()[at-1]))
		return stack
	}
	execute(t, stack, "CREATE SCHEMA auth")
	execute(t, stack, "CREATE TABLE auth.schema_migrations (version varchar(128) PRIMARY KEY)")
	return stack
}

func hold(t *testing.T, stack *servicetest.Stack, sql string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), stack.DirectURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	if _, err := conn.Exec(t.Context(), "BEGIN; "+sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return conn
}

func release(t *testing.T, holder *pgx.Conn) {
	t.Helper()
	if _, err := holder.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
}

// awaitWorker returns the server process of a waiting step.
func awaitWorker(t *testing.T, stack *servicetest.Stack) (pid int) {
	t.Helper()
	waitFor(t, 30*time.Second, "a migration waits in its middle", func() bool {
		pid = number(t, stack, `SELECT coalesce(max(pid), 0) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name LIKE 'authd-migrate-%' AND wait_event_type = 'Lock'`)
		return pid > 0
	})
	return pid
}

func expectGone(t *testing.T, stack *servicetest.Stack, pid int) {
	t.Helper()
	took := waitFor(t, 10*time.Second, "the killed instance's session ends", func() bool {
		return count(t, stack, "pg_stat_activity WHERE pid = $1", pid) == 0
	})
	t.Logf("the server ended the killed instance's statement after %s", took.Round(time.Millisecond))
	if took > orphanLimit {
		t.Errorf("D1: it went on for %s, expected %s at most", took, orphanLimit)
	}
}

func expectPending(t *testing.T, stack *servicetest.Stack, version string) {
	t.Helper()
	if n := count(t, stack, "auth.schema_migrations WHERE version = $1", version); n != 0 {
		t.Errorf("%s is recorded although it was cut short", version)
	}
}

func expectNobodyLost(t *testing.T, stack *servicetest.Stack, m moment) {
	t.Helper()
	if m.arrange == nil {
		return
	}
	whole := count(t, stack, "auth.users WHERE firebase_uid LIKE 'the-firebase-uid-of-person-%' AND auth_provider = 'firebase' AND password_hash IS NULL")
	if left := count(t, stack, "auth.federation_archive"); whole != 1500 || left != 0 {
		t.Errorf("%d people are as they were and %d are left in the archive, expected 1500 and 0", whole, left)
	}
}
