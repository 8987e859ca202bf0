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

// orphanLimit is how long a killed instance's statement may go on at the server.
const orphanLimit = 2 * time.Second

// moment is one in which a migration is held up, by what another session does in an open transaction.
type moment struct {
	name    string
	version string
	arrange func(t *testing.T, stack *servicetest.Stack)
	hold    string
	half    bool // it is an index that is half-built then
}

const writesUsers, oldSnapshot = "LOCK TABLE auth.users IN ROW EXCLUSIVE MODE", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1"

// moments are those in which each migration waits inside its own statements. A migration that is not here is held up when it
// is recorded, which each of them is as well.
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

// archivePeople leaves more people in the archive than one batch of the last migration takes.
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

// D1: an instance is killed -9 in the middle of each migration in turn, while others wait for it: they complete.
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
			worker := awaitWorker(t, stack) // a step in a transaction tries again and again
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

// D1: the same at the moment when what a migration did is being recorded, with nobody else there: its statement at the server
// ends within two seconds, and the next instance goes on from there, until it is killed at the next record; the last one completes.
func TestInstances_KilledAtEachRecordRerunCompletes_D1(t *testing.T) {
	t.Parallel()
	binary, shared := programs.Authd(t), servicetest.NewStack(t)
	const reach = 12 // migrations that one database is taken through, killed at each
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

// reached is a database of its own in which the moment's migration is the next one.
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
	execute(t, stack, "CREATE TABLE auth.schema_migrations (version varchar(128) PRIMARY KEY)") // as the first start leaves it
	return stack
}

// hold does something in a transaction that stays open.
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

// awaitWorker waits until a step's session waits for a lock, and gives its process at the server.
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

// expectNobodyLost holds the people whom a moment has archived to being as they were.
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
