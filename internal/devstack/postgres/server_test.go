package postgres_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/devstack/postgres"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("TEST_OWN_POSTGRES"); dir != "" {
		server, err := postgres.Start(context.Background(), postgres.Options{DataDir: dir})
		if err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		fmt.Println("ready", server.URL("postgres"))
		select {}
	}
	os.Exit(m.Run())
}

func start(t *testing.T, dir string) *postgres.Server {
	t.Helper()
	return startWith(t, postgres.Options{DataDir: dir})
}

func startWith(t *testing.T, o postgres.Options) *postgres.Server {
	t.Helper()
	server, err := postgres.Start(t.Context(), o)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return server
}

func ask[T any](t *testing.T, url, query string) T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var answer T
	if err := conn.QueryRow(t.Context(), query).Scan(&answer); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return answer
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func alive(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && !strings.Contains(string(status), "State:\tZ")
}

func postmaster(t *testing.T, dir string) int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	if err != nil {
		t.Fatalf("pid file: %v", err)
	}
	pid, err := strconv.Atoi(strings.SplitN(string(content), "\n", 2)[0])
	if err != nil {
		t.Fatalf("pid file: %v", err)
	}
	return pid
}

func TestStart_RoleOwnsDatabaseAndMayCreateExtensions(t *testing.T) {
	t.Parallel()
	server := start(t, filepath.Join(t.TempDir(), "data"))
	for range 2 {
		if err := server.CreateDatabase(t.Context(), "atma_db"); err != nil {
			t.Fatal(err)
		}
	}
	if super := ask[bool](t, server.URL("atma_db"), "SELECT usesuper FROM pg_user WHERE usename = current_user"); super {
		t.Error("the role is a superuser")
	}
	for _, statement := range []string{`CREATE EXTENSION "uuid-ossp"`, "CREATE EXTENSION pgcrypto", "CREATE SCHEMA auth"} {
		conn, err := pgx.Connect(t.Context(), server.URL("atma_db"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
		_ = conn.Close(t.Context())
	}
	if id := ask[string](t, server.URL("atma_db"), "SELECT uuid_generate_v4()::text"); len(id) != 36 {
		t.Errorf("uuid_generate_v4 answers %q", id)
	}
}

func TestStart_AsksForPassword(t *testing.T) {
	t.Parallel()
	server := start(t, filepath.Join(t.TempDir(), "data"))
	_, err := pgx.Connect(t.Context(), "postgres://postgres:wrong@"+server.Addr()+"/postgres?sslmode=disable")
	if err == nil || !strings.Contains(err.Error(), "28P01") {
		t.Errorf("a wrong password gives %v, want SQLSTATE 28P01", err)
	}
}

func TestStart_KeepsDataAndHasOneOwner(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	first := start(t, dir)
	if err := first.CreateDatabase(t.Context(), "kept"); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.Start(t.Context(), postgres.Options{DataDir: dir}); !errors.Is(err, postgres.ErrInUse) {
		t.Errorf("a second start gives %v, want ErrInUse", err)
	}
	pid := postmaster(t, dir)
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	if alive(pid) {
		t.Error("the server lives after Stop")
	}
	second := start(t, dir)
	if name := ask[string](t, second.URL("kept"), "SELECT current_database()::text"); name != "kept" {
		t.Errorf("got %q", name)
	}
}

func TestStart_AfterOwnerWasKilled(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), "TEST_OWN_POSTGRES="+dir)
	output, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "ready ") {
		t.Fatalf("owner says %q, %v", line, err)
	}
	orphan := postmaster(t, dir)
	_ = owner.Process.Kill()
	_ = owner.Wait()
	server := start(t, dir) // the orphan may be ending
	if alive(orphan) {
		t.Error("the orphan lives beside the new server")
	}
	if one := ask[int](t, server.URL("postgres"), "SELECT 1"); one != 1 {
		t.Error("the new server does not answer")
	}
}

func TestStart_StalePidFileOfSomebodyElse(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if err := start(t, dir).Stop(); err != nil {
		t.Fatal(err)
	}
	bystander := exec.Command("sleep", "60")
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bystander.Process.Kill(); _ = bystander.Wait() })
	stale := fmt.Sprintf("%d\n%s\n1\n5432\n\n127.0.0.1\n", bystander.Process.Pid, dir)
	if err := os.WriteFile(filepath.Join(dir, "postmaster.pid"), []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, dir)
	if !alive(bystander.Process.Pid) {
		t.Error("an unrelated program was ended")
	}
}

func TestServer_DoneWhenItDies(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	server := start(t, dir)
	if err := syscall.Kill(postmaster(t, dir), syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "Done closes", func() bool {
		select {
		case <-server.Done():
			return true
		default:
			return false
		}
	})
}

func TestStartScratch_SlotsAreReused(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	first, err := postgres.StartScratch(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := postgres.StartScratch(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if first.Addr() == second.Addr() {
		t.Error("two runs share a server")
	}
	for _, name := range []string{postgres.ScratchPrefix + "left", "template_kept"} {
		if err := first.CreateDatabase(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	for _, server := range []*postgres.Server{first, second} {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}
	third, err := postgres.StartScratch(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = third.Stop() })
	names := ask[string](t, third.URL("postgres"), "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database WHERE NOT datistemplate")
	if names != "postgres,template_kept" {
		t.Errorf("databases are %s, want postgres,template_kept", names)
	}
}

func TestStart_CommitDelay(t *testing.T) {
	t.Parallel()
	const delay = 50 * time.Millisecond
	server := startWith(t, postgres.Options{DataDir: filepath.Join(t.TempDir(), "data"), Fsync: true, CommitDelay: delay})
	began := time.Now()
	ask[int64](t, server.URL("postgres"), "SELECT lo_create(0)::bigint")
	if took := time.Since(began); took < delay {
		t.Errorf("a commit took %v, expected no less than %v", took, delay)
	}
}
