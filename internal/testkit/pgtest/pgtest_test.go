package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/devstack/postgres"
)

func query[T any](t *testing.T, url, statement string) T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var answer T
	if err := conn.QueryRow(t.Context(), statement).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return answer
}

func TestNew_DatabasesAreMigratedAndSeparate(t *testing.T) {
	t.Parallel()
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			url := New(t)
			if table := query[string](t, url, "SELECT to_regclass('auth.users')::text"); table != "auth.users" {
				t.Errorf("auth.users is %q", table)
			}
			if n := query[int](t, url, "SELECT count(*) FROM pg_tables WHERE tablename = 'marker'"); n != 0 {
				t.Error("another test's table is here")
			}
			conn, err := pgx.Connect(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Exec(t.Context(), "CREATE TABLE marker ()"); err != nil {
				t.Error(err)
			}
			// left open: the drop must succeed
		})
	}
}

func TestEmpty_IsEmptyAndDropped(t *testing.T) {
	t.Parallel()
	var name string
	t.Run("test", func(t *testing.T) {
		url := Empty(t)
		name = query[string](t, url, "SELECT current_database()::text")
		if n := query[int](t, url, "SELECT count(*) FROM pg_namespace WHERE nspname = 'auth'"); n != 0 {
			t.Error("the schema auth is there")
		}
	})
	admin := mustServer(t).address("postgres")
	if n := query[int](t, admin, "SELECT count(*) FROM pg_database WHERE datname = '"+name+"'"); n != 0 {
		t.Errorf("%s is there after its test", name)
	}
}

func TestNew_ManyProcessesMakeOneTemplate(t *testing.T) {
	if os.Getenv("PGTEST_CHILD") != "" {
		New(t)
		return
	}
	t.Parallel()
	scratch, err := postgres.StartScratch(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = scratch.Stop() })
	dropAllTemplates(t, scratch.URL("postgres"))
	var wait sync.WaitGroup
	for range 6 {
		wait.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
			cmd.Env = append(os.Environ(), "PGTEST_CHILD=1", EnvURL+"="+scratch.URL("postgres"))
			if output, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, output)
			}
		})
	}
	wait.Wait()
	names := query[string](t, scratch.URL("postgres"),
		"SELECT coalesce(string_agg(datname, ','), '') FROM pg_database WHERE starts_with(datname, 't') AND NOT datistemplate")
	if !strings.HasPrefix(names, templatePrefix) || strings.Contains(names, ",") {
		t.Errorf("databases left are %q, want one template", names)
	}
}

func dropAllTemplates(t *testing.T, url string) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if err := dropTemplates(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		func() { New(b) }()
	}
}
