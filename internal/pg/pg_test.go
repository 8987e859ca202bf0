package pg_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/pgtest"
)

func open(t *testing.T, o pg.Options) *pgxpool.Pool {
	t.Helper()
	pool, err := pg.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func TestOpen_LegacyTimezone_D7(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	for zone, hour := range map[string]int{"": 12, "UTC": 12, "Asia/Jakarta": 5, "America/New_York": 17} {
		pool := open(t, pg.Options{URL: url, LegacyTimezone: zone})
		want := time.Date(2026, 1, 2, hour, 0, 0, 0, time.UTC)
		var zoneless, instant time.Time
		noon := "SELECT timestamp '2026-01-02 12:00', (timestamp '2026-01-02 12:00')::timestamptz"
		err := pool.QueryRow(t.Context(), noon).Scan(&zoneless, &instant)
		if err != nil {
			t.Fatal(err)
		}
		if !zoneless.Equal(want) || !instant.Equal(want) {
			t.Errorf("D7: noon in %q is %s and %s, expected %s", zone, zoneless.UTC(), instant.UTC(), want)
		}
		if instant.Location() != time.UTC {
			t.Errorf("an instant arrives in %s, expected UTC", instant.Location())
		}
		var written string
		err = pool.QueryRow(t.Context(), "SELECT ($1::timestamptz)::timestamp::text", want).Scan(&written)
		if err != nil || written != "2026-01-02 12:00:00" {
			t.Errorf("D7: %s is written as %s (%v), expected noon in %q", want, written, err, zone)
		}
	}
}

func TestOpen_RefusesWhatCannotBeRight(t *testing.T) {
	t.Parallel()
	for _, o := range []pg.Options{
		{URL: "postgres://user:a-secret@db:port/x"}, {URL: "postgres://db/x", LegacyTimezone: "Mars/Olympus"},
	} {
		_, err := pg.Open(t.Context(), o)
		if err == nil {
			t.Errorf("%+v was accepted", o)
			continue
		}
		if strings.Contains(err.Error(), "a-secret") {
			t.Errorf("the refusal shows the password: %v", err)
		}
	}
}

func TestOpen_NeedsNoDatabaseYet(t *testing.T) {
	t.Parallel()
	wire, url := netfault.URL(t, pgtest.Empty(t))
	wire.Cut()
	pool := open(t, pg.Options{URL: url, ConnectTimeout: 300 * time.Millisecond})
	if err := pool.Ping(t.Context()); !pg.Outage(err) {
		t.Errorf("a database that is away is %v, expected an outage", err)
	}
	wire.Restore()
	if err := pool.Ping(t.Context()); err != nil {
		t.Errorf("the database is back: %v", err)
	}
}

func TestFault_OutagesOfARealServer(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	wire, through := netfault.URL(t, url)
	pool := open(t, pg.Options{URL: through, MaxConns: 2, ConnectTimeout: 300 * time.Millisecond})
	direct := open(t, pg.Options{URL: url})
	run := func(sql string) error { _, err := pool.Exec(t.Context(), sql); return err }
	expect := func(what string, err error, code fault.Code) {
		t.Helper()
		if err == nil || fault.CodeOf(pg.Fault(err)) != code {
			t.Errorf("%s: %v is %s, expected %s", what, err, fault.CodeOf(pg.Fault(err)), code)
		}
	}
	expect("a syntax error", run("SELEC 1"), fault.Internal)
	expect("a missing table", run("SELECT 1 FROM nothing"), fault.Internal)
	expect("a division by zero", run("SELECT 1/0"), fault.Internal)
	expect("a statement time-out", run("SET statement_timeout = 20; SELECT pg_sleep(5)"), fault.DependencyUnavailable)

	killed := make(chan error, 1)
	go func() { killed <- run("SELECT pg_sleep(30) /* to be killed */") }()
	for deadline := time.Now().Add(10 * time.Second); ; {
		var n int
		err := direct.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE query LIKE '%to be killed%' AND pid <> pg_backend_pid()`).Scan(&n)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("find the statement to kill: %v", err)
		}
		if n > 0 {
			break
		}
	}
	expect("a killed session", <-killed, fault.DependencyUnavailable)

	wire.Hang()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := pool.Exec(ctx, "SELECT 1")
	expect("a hanging network", err, fault.DependencyUnavailable)
	wire.Cut()
	expect("a cut network", run("SELECT 1"), fault.DependencyUnavailable)
}

func TestFault_Table(t *testing.T) {
	t.Parallel()
	if pg.Fault(nil) != nil {
		t.Error("nil became an error")
	}
	known := fault.New(fault.EmailTaken, "taken").With(io.EOF)
	if got := fault.CodeOf(pg.Fault(fmt.Errorf("up: %w", known))); got != fault.EmailTaken {
		t.Errorf("a refusal that has a meaning became %s", got)
	}
	outage := func(code string) error { return fmt.Errorf("query: %w", &pgconn.PgError{Code: code}) }
	for name, c := range map[string]struct {
		err    error
		outage bool
	}{
		"connection failure": {outage("08006"), true}, "too many connections": {outage("53300"), true}, "disk full": {outage("53100"), true},
		"admin shutdown": {outage("57P01"), true}, "cannot connect now": {outage("57P03"), true}, "I/O error": {outage("58030"), true},
		"read only": {outage("25006"), true}, "lock not available": {outage("55P03"), true}, "deadline": {context.DeadlineExceeded, true},
		"EOF": {io.ErrUnexpectedEOF, true}, "closed": {net.ErrClosed, true}, "dial": {&net.OpError{Op: "dial", Err: errors.New("refused")}, true},
		"unique violation": {outage("23505"), false}, "undefined table": {outage("42P01"), false}, "check violation": {outage("23514"), false},
		"no rows": {pgx.ErrNoRows, false}, "canceled by the client": {context.Canceled, false}, "a bug": {errors.New("bug"), false},
	} {
		if got := pg.Outage(c.err); got != c.outage {
			t.Errorf("%s: an outage: %t, expected %t", name, got, c.outage)
		}
		if code := fault.CodeOf(pg.Fault(c.err)); (code == fault.DependencyUnavailable) != c.outage {
			t.Errorf("%s leaves as %s", name, code)
		}
	}
}

func TestUniqueViolation_NamesTheConstraint(t *testing.T) {
	t.Parallel()
	pool := open(t, pg.Options{URL: pgtest.New(t)})
	insert := func(email, username string) error {
		_, err := pool.Exec(t.Context(), "INSERT INTO auth.users (email, username, password_hash) VALUES ($1, $2, 'x')", email, username)
		return err
	}
	if err := insert("jane@example.com", "jane"); err != nil {
		t.Fatal(err)
	}
	for want, err := range map[string]error{
		"users_username_key": insert("joe@example.com", "jane"), "users_email_key": insert("jane@example.com", "joe"),
		"idx_users_canonical_email": insert("JANE@example.com", "joe"), "": nil,
	} {
		if got := pg.UniqueViolation(err); got != want {
			t.Errorf("the violated constraint is %q, expected %q (%v)", got, want, err)
		}
	}
}

func TestInTx_CommitsOrLeavesNothing(t *testing.T) {
	t.Parallel()
	pool := open(t, pg.Options{URL: pgtest.Empty(t)})
	if _, err := pool.Exec(t.Context(), "CREATE TABLE notes (n int)"); err != nil {
		t.Fatal(err)
	}
	count := func() (n int) {
		t.Helper()
		if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM notes").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	insert := func(tx pgx.Tx) error { _, err := tx.Exec(t.Context(), "INSERT INTO notes VALUES (1)"); return err }
	refused := errors.New("refused")
	if err := pg.InTx(t.Context(), pool, func(tx pgx.Tx) error { return errors.Join(insert(tx), refused) }); !errors.Is(err, refused) {
		t.Errorf("the error is %v, expected the one of the function", err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = pg.InTx(t.Context(), pool, func(tx pgx.Tx) error { _ = insert(tx); panic("a bug") })
	}()
	if n := count(); n != 0 {
		t.Errorf("%d rows were left by what failed", n)
	}
	if err := pg.InTx(t.Context(), pool, insert); err != nil || count() != 1 {
		t.Errorf("a good transaction left %d rows (%v), expected 1", count(), err)
	}
	if stat := pool.Stat(); stat.AcquiredConns() != 0 {
		t.Errorf("%d connections were not given back", stat.AcquiredConns())
	}
}
