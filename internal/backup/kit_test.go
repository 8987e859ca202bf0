package backup_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/backup"
	"auth-v2-service/internal/testkit/pgtest"
)

type database struct {
	*pgxpool.Pool
	t   *testing.T
	url string
	dir string
}

func open(t *testing.T, url string) database {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return database{pool, t, url, filepath.Join(t.TempDir(), "backups")}
}

func populated(t *testing.T) database {
	t.Helper()
	d := open(t, pgtest.New(t))
	d.people(500)
	return d
}

func (d database) people(n int) {
	d.t.Helper()
	d.exec(`INSERT INTO auth.users (username, email, password_hash, token_balance, provider_data)
		SELECT 'person ' || gen_random_uuid(), gen_random_uuid() || '@example.com', 'hash ' || i, i, jsonb_build_object('b', i, 'a', 0.10)
		FROM generate_series(1, $1) AS i`, n)
	d.exec("INSERT INTO auth.audit_events (action, actor, user_id) SELECT 'test', 'cli:test', id FROM auth.users")
}

func (d database) options() backup.Options {
	return backup.Options{URL: d.url, Environment: environ(), Logger: slog.New(slog.DiscardHandler)}
}

func (d database) exec(sql string, args ...any) {
	d.t.Helper()
	if _, err := d.Exec(d.t.Context(), sql, args...); err != nil {
		d.t.Fatalf("%s: %v", sql, err)
	}
}

func (d database) lines(sql string, args ...any) string {
	d.t.Helper()
	rows, err := d.Query(d.t.Context(), sql, args...)
	if err != nil {
		d.t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		d.t.Fatal(err)
	}
	return strings.Join(found, "\n")
}

func (d database) rows() string {
	d.t.Helper()
	return d.lines("SELECT u::text FROM auth.users AS u ORDER BY id") + d.lines("SELECT a::text FROM auth.audit_events AS a ORDER BY id")
}

func (d database) create(onlyAuth bool) (string, backup.Manifest) {
	d.t.Helper()
	path, m, err := backup.Create(d.t.Context(), d.options(), d.dir, onlyAuth)
	if err != nil {
		d.t.Fatalf("create: %v", err)
	}
	return path, m
}

func (d database) verify(path string) backup.Manifest {
	d.t.Helper()
	m, err := backup.Verify(d.t.Context(), d.options(), path)
	if err != nil {
		d.t.Fatalf("verify: %v", err)
	}
	return m
}

func (d database) restore(path string) {
	d.t.Helper()
	if _, err := backup.Restore(d.t.Context(), d.options(), path, true); err != nil {
		d.t.Fatalf("restore: %v", err)
	}
}

func (d database) scratches() string {
	return d.lines("SELECT datname::text FROM pg_database WHERE starts_with(datname, $1) ORDER BY 1", backup.ScratchPrefix)
}

func tells(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil || !backup.Told(err) {
		t.Fatalf("got %v, expected an answer that holds %q", err, words)
	}
	says(t, err, words...)
}

func cannotSay(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil || backup.Told(err) {
		t.Fatalf("got %v, expected no answer, with %q", err, words)
	}
	says(t, err, words...)
}

func says(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error is %q, expected it to hold %q", err, word)
		}
	}
}

func change(t *testing.T, path string, edit func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, edit(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func background(t *testing.T) context.Context {
	t.Helper()
	return context.WithoutCancel(t.Context())
}

func environ() map[string]string {
	out := map[string]string{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		out[name] = value
	}
	return out
}
