package backup_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/backup"
)

// envChild makes this binary run one operation, to be killed.
const (
	envChild = "BACKUP_TEST_CHILD"
	envFile  = "BACKUP_TEST_FILE"
)

func child() int {
	o := backup.Options{URL: os.Getenv("DATABASE_URL"), Environment: environ(), Logger: slog.New(slog.DiscardHandler)}
	var err error
	switch os.Getenv(envChild) {
	case "create":
		_, _, err = backup.Create(context.Background(), o, os.Getenv(envFile), true)
	case "verify":
		_, err = backup.Verify(context.Background(), o, os.Getenv(envFile))
	case "restore":
		_, err = backup.Restore(context.Background(), o, os.Getenv(envFile), true)
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// stuck makes a program hang halfway.
func stuck(t *testing.T, d database, program, half string) (dir, mark string) {
	t.Helper()
	major, err := strconv.Atoi(d.lines("SELECT (current_setting('server_version_num')::int / 10000)::text"))
	if err != nil {
		t.Fatal(err)
	}
	real, err := backup.FindPrograms(t.Context(), environ(), major)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	mark = filepath.Join(dir, "mark")
	for _, name := range []string{"pg_dump", "pg_restore", "psql"} {
		if name != program {
			if err := os.Symlink(filepath.Join(real, name), filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	script := fmt.Sprintf("#!/bin/sh\nreal=%s\ncase $1 in --version) exec $real --version ;; esac\n%s\nmkfifo %s.never\necho $$ >%s.new\nmv %s.new %s\nread never <%s.never\n",
		filepath.Join(real, program), half, mark, mark, mark, mark, mark)
	if err := os.WriteFile(filepath.Join(dir, program), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir, mark
}

func runUntil(t *testing.T, d database, operation, file, dir, mark string) *exec.Cmd {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), envChild+"="+operation, envFile+"="+file, "DATABASE_URL="+d.url, "PATH="+dir+":"+os.Getenv("PATH"))
	said := new(strings.Builder)
	command.Stderr = said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill() })
	eventually(t, operation+" runs its program", func() bool {
		_, err := os.Stat(mark)
		return err == nil
	})
	return command
}

func kill(t *testing.T, command *exec.Cmd, mark string) {
	t.Helper()
	pid, err := os.ReadFile(mark)
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait()
	eventually(t, "the program ends with its authd", func() bool {
		status, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/status")
		return err != nil || strings.Contains(string(status), "State:\tZ")
	})
}

func TestCreate_KilledLeavesNothingThatPasses(t *testing.T) {
	t.Parallel()
	d := populated(t)
	dir, mark := stuck(t, d, "pg_dump", `$real "$@" | head -c 3000`)
	kill(t, runUntil(t, d, "create", d.dir, dir, mark), mark)
	halves, err := filepath.Glob(filepath.Join(d.dir, ".*"))
	if err != nil || len(halves) != 1 {
		t.Fatalf("the folder holds %v (%v), expected one half file", halves, err)
	}
	if finished, _ := filepath.Glob(filepath.Join(d.dir, "*.dump")); len(finished) != 0 {
		t.Errorf("a half dump looks like a backup: %v", finished)
	}
	tells(t, backup.RequireYounger(t.Context(), d.dir, d, time.Hour, time.Now()), "it is empty")
	_, err = backup.Verify(t.Context(), d.options(), halves[0])
	tells(t, err, "no manifest")
	later := d.options()
	later.Now = func() time.Time { return time.Now().Add(25 * time.Hour) }
	if _, _, err := backup.Create(t.Context(), later, d.dir, true); err != nil {
		t.Fatal(err)
	}
	if halves, _ := filepath.Glob(filepath.Join(d.dir, ".*")); len(halves) != 0 {
		t.Errorf("a later run left %v", halves)
	}
}

// Not parallel: it drops other tests' scratch databases.
func TestVerify_KilledLeavesItUnverified(t *testing.T) {
	d := populated(t)
	path, _ := d.create(true)
	before := d.scratches()
	dir, mark := stuck(t, d, "pg_restore", `$real "$@" | head -c 3000`)
	kill(t, runUntil(t, d, "verify", path, dir, mark), mark)
	if m, err := backup.ReadManifest(path); err != nil || m.VerifiedAt != nil {
		t.Errorf("verified at %v (%v)", m.VerifiedAt, err)
	}
	left := d.scratches()
	if left == before {
		t.Fatal("no scratch database was left: the test has killed too late")
	}
	eventually(t, "the killed run's session ends", func() bool {
		return d.lines("SELECT count(*)::text FROM pg_stat_activity WHERE datname = ANY (string_to_array($1, E'\\n'))", left) == "0"
	})
	later := d.options()
	later.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	if _, err := backup.Verify(t.Context(), later, path); err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Split(left, "\n") {
		if strings.Contains(d.scratches(), name) {
			t.Errorf("%s is still there", name)
		}
	}
}

func TestRestore_KilledChangesNothing(t *testing.T) {
	t.Parallel()
	d := populated(t)
	path, _ := d.create(true)
	d.people(10)
	before := d.rows()
	dir, mark := stuck(t, d, "pg_restore", `$real "$@" | head -c 30000`)
	kill(t, runUntil(t, d, "restore", path, dir, mark), mark)
	if d.rows() != before {
		t.Error("the database was changed")
	}
}

func TestSecrets_AreInNoArgumentAndNoError(t *testing.T) {
	t.Parallel()
	d := populated(t)
	location, err := url.Parse(d.url)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := location.User.Password()
	dir, mark := stuck(t, d, "pg_dump", "")
	command := runUntil(t, d, "create", d.dir, dir, mark)
	arguments, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(arguments) == 0 {
		t.Fatalf("no process list: %v", err)
	}
	for _, path := range arguments {
		if line, err := os.ReadFile(path); err == nil && strings.Contains(string(line), password) {
			t.Errorf("a password is among the arguments of a process: %s", strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	kill(t, command, mark)

	const wrong = "this-is-not-the-password"
	location.User = url.UserPassword(location.User.Username(), wrong)
	o := d.options()
	o.URL = location.String()
	_, _, err = backup.Create(t.Context(), o, d.dir, true)
	cannotSay(t, err, "connect")
	if strings.Contains(err.Error(), wrong) {
		t.Errorf("the error holds the password: %v", err)
	}
}
