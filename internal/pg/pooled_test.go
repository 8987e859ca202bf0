package pg_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/pgbouncer"
	"auth-v2-service/internal/testkit/pgtest"
)

func exec(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func until(t *testing.T, limit time.Duration, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s", what, limit)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// D7: each client keeps its zone.
func TestPooled_EachClientKeepsItsZone_D6(t *testing.T) {
	t.Parallel()
	direct := pgtest.Empty(t)
	pooler := pgbouncer.New(t, direct, pgbouncer.Settings{"default_pool_size": "1"})
	zones := map[string]int{"UTC": 12, "Asia/Jakarta": 5, "America/New_York": 17}
	pools := map[string]*pgxpool.Pool{}
	for zone := range zones {
		pools[zone] = open(t, pg.Options{URL: pooler.URL(), Pooled: true, LegacyTimezone: zone})
	}
	for range 20 {
		for zone, hour := range zones {
			want := time.Date(2026, 1, 2, hour, 0, 0, 0, time.UTC)
			var zoneless, instant time.Time
			var written, name string
			err := pools[zone].QueryRow(t.Context(), `SELECT timestamp '2026-01-02 12:00', (timestamp '2026-01-02 12:00')::timestamptz,
				($1::timestamptz)::timestamp::text, current_setting('application_name')`, want).Scan(&zoneless, &instant, &written, &name)
			if err != nil {
				t.Fatal(err)
			}
			if !zoneless.Equal(want) || !instant.Equal(want) || written != "2026-01-02 12:00:00" || name != "authd" {
				t.Fatalf("noon in %s is read as %s and %s, written as %s, by %s", zone, zoneless.UTC(), instant, written, name)
			}
		}
	}
}

func TestPooled_TransactionsOfManyClients_D6(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	pooler := pgbouncer.New(t, url, nil)
	direct := open(t, pg.Options{URL: url})
	exec(t, direct, "CREATE TABLE counters (id int PRIMARY KEY, n int NOT NULL)")
	exec(t, direct, "INSERT INTO counters SELECT i, 0 FROM generate_series(0, 4) AS i")
	const clients, connections, each = 4, 5, 25
	refusal := errors.New("refused")
	var all sync.WaitGroup
	for range clients {
		pool := open(t, pg.Options{URL: pooler.URL(), Pooled: true, MaxConns: connections})
		for i := range connections {
			all.Go(func() {
				for round := range each {
					err := pg.InTx(t.Context(), pool, func(tx pgx.Tx) error { return countUp(t.Context(), tx, i, round%5 == 4, refusal) })
					if err != nil && !errors.Is(err, refusal) {
						t.Errorf("a transaction failed: %v", err)
					}
				}
			})
		}
	}
	all.Wait()
	var sum int
	if err := direct.QueryRow(t.Context(), "SELECT sum(n)::int FROM counters").Scan(&sum); err != nil {
		t.Fatal(err)
	}
	if want := clients * connections * each * 4 / 5; sum != want {
		t.Errorf("%d transactions have counted, expected %d", sum, want)
	}
	traffic := pooler.Traffic(t)
	t.Logf("%s: %+v", pooler.Version(t), traffic)
	if traffic.Transactions < clients*connections*each || traffic.ServerConnections > pgbouncer.PoolSize {
		t.Errorf("PgBouncer counts %+v, expected all transactions on %d server connections at most", traffic, pgbouncer.PoolSize)
	}
}

func countUp(ctx context.Context, tx pgx.Tx, id int, refuse bool, refusal error) error {
	var before, after int
	if err := tx.QueryRow(ctx, "SELECT n FROM counters WHERE id = $1 FOR UPDATE", id).Scan(&before); err != nil {
		return err
	}
	if err := tx.QueryRow(ctx, "UPDATE counters SET n = $2 WHERE id = $1 RETURNING n", id, before+1).Scan(&after); err != nil {
		return err
	}
	if after != before+1 {
		return fmt.Errorf("counted from %d to %d", before, after)
	}
	if refuse {
		return refusal
	}
	return nil
}

// D2: added columns break no statement.
func TestPooled_ColumnsAddedWhileServing_D6(t *testing.T) {
	t.Parallel()
	for _, pooled := range []bool{true, false} {
		t.Run(fmt.Sprintf("pooled=%t", pooled), func(t *testing.T) {
			t.Parallel()
			url := pgtest.Empty(t)
			direct := open(t, pg.Options{URL: url})
			exec(t, direct, "CREATE TABLE people (id int PRIMARY KEY, name varchar(100), seen timestamp)")
			if pooled {
				url = pgbouncer.New(t, url, nil).URL()
			}
			const connections = 6
			pool := open(t, pg.Options{URL: url, Pooled: pooled, MaxConns: connections})
			for release := range 5 {
				ask(t, pool, connections, release)
				exec(t, direct, fmt.Sprintf("ALTER TABLE people ADD COLUMN added%d text NOT NULL DEFAULT 'x'", release))
			}
			ask(t, pool, connections, 5)
		})
	}
}

func ask(t *testing.T, pool *pgxpool.Pool, connections, release int) {
	t.Helper()
	var all sync.WaitGroup
	for i := range connections {
		all.Go(func() {
			conn, err := pool.Acquire(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Release()
			var name string
			var seen *time.Time
			err = conn.QueryRow(t.Context(), `INSERT INTO people (id, name) VALUES ($1, $2)
				ON CONFLICT (id) DO UPDATE SET name = excluded.name RETURNING name, seen`, i, "x").Scan(&name, &seen)
			if err == nil {
				err = conn.QueryRow(t.Context(), "SELECT name, seen FROM people WHERE id = $1", i).Scan(&name, &seen)
			}
			if err != nil {
				t.Errorf("after %d added columns: %v", release, err)
			}
		})
	}
	all.Wait()
}

// O3: canceling ends one statement.
func TestPooled_CanceledStatementsEndAtTheServer_D6(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t)
	pool := open(t, pg.Options{URL: pgbouncer.New(t, url, nil).URL(), Pooled: true, MaxConns: 8})
	direct := open(t, pg.Options{URL: url})
	others, stop := context.WithCancel(t.Context())
	defer stop()
	var wait sync.WaitGroup
	wait.Go(func() {
		for others.Err() == nil {
			if _, err := pool.Exec(t.Context(), "SELECT pg_sleep(0.001) /* somebody else */"); err != nil {
				t.Errorf("somebody else's statement: %v", err)
			}
		}
	})
	running := func() (n int) {
		err := direct.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE state = 'active'
			AND query LIKE '%to be given up%' AND pid <> pg_backend_pid() AND datname = current_database()`).Scan(&n)
		if err != nil {
			t.Errorf("count what runs: %v", err)
		}
		return n
	}
	for range 6 {
		ctx, giveUp := context.WithCancel(t.Context())
		var ended sync.WaitGroup
		ended.Go(func() {
			if _, err := pool.Exec(ctx, "SELECT pg_sleep(60) /* to be given up */"); !pg.Outage(err) && !errors.Is(err, context.Canceled) {
				t.Errorf("a statement that was given up is %v, expected that it was", err)
			}
		})
		// A cancel request before its statement is lost.
		until(t, 10*time.Second, "the statement has begun", func() bool { return running() == 1 })
		giveUp()
		ended.Wait()
		until(t, 10*time.Second, "no statement that was given up runs on", func() bool { return running() == 0 })
	}
	stop()
	wait.Wait()
}

func TestPooled_TheRefusalsOfThePoolerAreOutages_D6(t *testing.T) {
	t.Parallel()
	wire, behind := netfault.URL(t, pgtest.Empty(t))
	pooler := pgbouncer.New(t, behind, pgbouncer.Settings{
		"default_pool_size": "1", "query_wait_timeout": "1", "max_client_conn": "3", "server_connect_timeout": "1",
	})
	pool := open(t, pg.Options{URL: pooler.URL(), Pooled: true, MaxConns: 2})
	expect := func(what string, pool *pgxpool.Pool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if _, err := pool.Exec(ctx, "SELECT $1::int", 1); fault.CodeOf(pg.Fault(err)) != fault.DependencyUnavailable {
			t.Errorf("%s: %v, expected an outage", what, err)
		}
	}
	exec(t, pool, "SELECT $1::int", 1)

	err := pg.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "SELECT 1") // holds the only connection
		expect("no server connection free within query_wait_timeout", pool)
		return err
	})
	if err != nil {
		t.Errorf("who held the connection: %v", err)
	}

	guests := []*pgx.Conn{}
	for err == nil && len(guests) < 10 {
		var guest *pgx.Conn
		if guest, err = pgx.Connect(t.Context(), pooler.URL()); err == nil {
			guests = append(guests, guest)
		}
	}
	if !pg.Outage(err) {
		t.Errorf("more clients than max_client_conn: %v after %d, expected an outage", err, len(guests))
	}
	for _, guest := range guests {
		_ = guest.Close(t.Context())
	}

	wire.Cut()
	expect("the database is away behind the pooler", pool)
	wire.Restore()
	until(t, 5*time.Second, "answers after the database's return", func() bool {
		_, err := pool.Exec(t.Context(), "SELECT $1::int", 1)
		return err == nil
	})
	wire.Hang()
	expect("the database hangs behind the pooler", pool)
}
