package pg_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/testkit/pgtest"
)

func TestOpen_AServerThatOnlyReadsKeepsNoConnection(t *testing.T) {
	t.Parallel()
	for code, statement := range map[string]string{
		"25006": "CREATE TABLE refused ()", "25001": "SELECT set_config('transaction_read_only', 'off', true)",
	} {
		said := 0
		pool := open(t, pg.Options{URL: pgtest.Empty(t), MaxConns: 3, OnReadOnly: func() { said++ }})
		before := processes(t, pool, 3)
		err := pgx.BeginTxFunc(t.Context(), pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "SELECT 1"); err != nil { // takes the snapshot
				return err
			}
			_, err := tx.Exec(t.Context(), statement)
			return err
		})
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != code || !pg.Outage(err) {
			t.Errorf("%s: %v, expected SQLSTATE %s, an outage", statement, err, code)
		}
		for process := range processes(t, pool, 3) {
			if before[process] {
				t.Errorf("%s: a connection from before is in use", code)
			}
		}
		if said == 0 {
			t.Errorf("%s: OnReadOnly was not called", code)
		}
	}
}

func processes(t *testing.T, pool *pgxpool.Pool, n int) map[uint32]bool {
	t.Helper()
	found := map[uint32]bool{}
	for range n {
		conn, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Release()
		found[conn.Conn().PgConn().PID()] = true
	}
	return found
}
