package schema_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func rowsAsked(t *testing.T) int {
	t.Helper()
	asked := os.Getenv("ADOPT_ROWS")
	if asked == "" {
		return 100_000
	}
	people, err := strconv.Atoi(asked)
	if err != nil {
		t.Fatal(err)
	}
	return people
}

// longestStall is the limit of D4.
const longestStall = time.Second

type writer struct {
	stop  context.CancelFunc
	ended chan error
	rows  int
	worst time.Duration
}

func (d database) traffic() *writer {
	d.t.Helper()
	conn, err := pgx.Connect(d.t.Context(), d.url)
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(d.t.Context())
	w := &writer{stop: stop, ended: make(chan error, 1)}
	go func() {
		defer conn.Close(context.WithoutCancel(ctx))
		w.ended <- w.insert(ctx, conn)
	}()
	return w
}

// insert cuts no statement short.
func (w *writer) insert(ctx context.Context, conn *pgx.Conn) error {
	for ; ctx.Err() == nil; w.rows++ {
		for _, statement := range []string{
			"INSERT INTO auth.users (username, email, password_hash) VALUES ($1::text, $1::text || '@example.com', 'x')",
			"UPDATE auth.users SET updated_at = now() WHERE username = $1",
			"UPDATE auth.users SET token_balance = coalesce(token_balance, 0) + 1 WHERE username = $1",
		} {
			began := time.Now()
			if _, err := conn.Exec(context.WithoutCancel(ctx), statement, fmt.Sprintf("writer %d", w.rows)); err != nil {
				return err
			}
			w.worst = max(w.worst, time.Since(began))
		}
	}
	return nil
}

func (w *writer) finish(t *testing.T) {
	t.Helper()
	w.stop()
	if err := within(t, w.ended); err != nil {
		t.Fatalf("the writer failed: %v", err)
	}
	t.Logf("%d rows were inserted meanwhile, the longest wait was %s", w.rows, w.worst.Round(time.Millisecond))
	if w.worst > longestStall || w.rows == 0 {
		t.Errorf("D4: a writer waited %s, expected at most %s", w.worst, longestStall)
	}
}

func (d database) longReader() (end func()) {
	d.t.Helper()
	ctx, stop := context.WithCancel(d.t.Context())
	ended := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			err := pgx.BeginFunc(context.WithoutCancel(ctx), d, func(tx pgx.Tx) error {
				_, err := tx.Exec(context.WithoutCancel(ctx), "SELECT count(*), pg_sleep(0.4) FROM (SELECT FROM auth.users LIMIT 100) AS part")
				return err
			})
			if err != nil {
				ended <- err
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
		ended <- nil
	}()
	return func() {
		d.t.Helper()
		stop()
		if err := within(d.t, ended); err != nil {
			d.t.Errorf("the reader failed: %v", err)
		}
	}
}
