package pgbouncer_test

import (
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/testkit/pgbouncer"
	"auth-v2-service/internal/testkit/pgtest"
)

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(t.Context()) })
	return conn
}

func TestNew_PoolsByTransaction(t *testing.T) {
	t.Parallel()
	pooler := pgbouncer.New(t, pgtest.Empty(t), nil)
	t.Log(pooler.Version(t))
	const clients, each = 12, 20
	var conns []*pgx.Conn
	for range clients {
		conns = append(conns, connect(t, pooler.URL()))
	}
	backends := map[uint32]bool{}
	var open []pgx.Tx
	for _, conn := range conns[:pgbouncer.PoolSize] {
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var backend uint32
		if err = tx.QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&backend); err != nil {
			t.Fatal(err)
		}
		backends[backend] = true
		open = append(open, tx)
	}
	for _, tx := range open {
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(backends) != pgbouncer.PoolSize {
		t.Errorf("%d open transactions ran on %d server connections, expected one each", pgbouncer.PoolSize, len(backends))
	}
	var all sync.WaitGroup
	for _, conn := range conns {
		all.Go(func() {
			for range each {
				if _, err := conn.Exec(t.Context(), "SELECT 1"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	const transactions = pgbouncer.PoolSize + clients*each
	traffic := pooler.Traffic(t)
	if traffic.Transactions != transactions || traffic.ClientConnections != clients || traffic.ServerConnections > pgbouncer.PoolSize {
		t.Errorf("PgBouncer counts %+v, expected %d transactions of %d clients on %d server connections at most",
			traffic, transactions, clients, pgbouncer.PoolSize)
	}
	conn := connect(t, pooler.URL())
	var left string
	if _, err := conn.Exec(t.Context(), "SET statement_timeout = 12345"); err != nil {
		t.Fatal(err)
	}
	if err := conn.QueryRow(t.Context(), "SHOW statement_timeout").Scan(&left); err != nil || left != "0" {
		t.Errorf("a session's setting is %s (%v) in the next transaction, expected it to be gone", left, err)
	}
}

// D6: a prepared statement does not survive its transaction.
func TestNew_KnowsNoPreparedStatements(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgbouncer.New(t, pgtest.Empty(t), nil).URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	for range 2 {
		if _, err = conn.Exec(t.Context(), "SELECT $1::int", 1); err != nil {
			return
		}
	}
	t.Error("a statement prepared by name survived: this PgBouncer is newer than 1.20, or is not in transaction mode")
}
