package backup

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

type programs struct {
	dir     string
	version string
	major   int
}

// environment hides the service's secrets from programs.
type environment map[string]string

// inherited variables reach a program; the URL overrides libpq's.
var inherited = []string{"PATH", "HOME", "LD_LIBRARY_PATH", "TMPDIR", "PGPASSFILE", "PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"}

func (e environment) list(more ...string) []string {
	out := []string{"LC_ALL=C", "TZ=UTC"}
	for _, name := range inherited {
		if value := e[name]; value != "" {
			out = append(out, name+"="+value)
		}
	}
	return append(out, more...)
}

// FindPrograms returns the programs' folder for a major version, or what to install.
func FindPrograms(ctx context.Context, env map[string]string, major int) (string, error) {
	found, err := findPrograms(ctx, env, major)
	return found.dir, err
}

// findPrograms chooses the oldest sufficient version: newer ones write unknown settings.
func findPrograms(ctx context.Context, env environment, major int) (programs, error) {
	return choose(ctx, env, programFolders(env), major)
}

func choose(ctx context.Context, env environment, folders []string, major int) (programs, error) {
	var best, newest programs
	for _, dir := range folders {
		found, ok := inspect(ctx, env, dir)
		if !ok {
			continue
		}
		if found.major > newest.major {
			newest = found
		}
		if found.major >= major && (best.dir == "" || found.major < best.major) {
			best = found
		}
	}
	switch {
	case best.dir != "":
		return best, nil
	case newest.dir != "":
		return programs{}, fmt.Errorf("pg_dump %s (in %s) is older than PostgreSQL %d, which it must serve: install the client programs of "+
			"version %d or later (Debian: apt-get install postgresql-client-%d; macOS: brew install libpq)", newest.version, newest.dir, major, major, major)
	}
	return programs{}, fmt.Errorf("pg_dump, pg_restore and psql are not installed: install PostgreSQL's client programs of version %d or later "+
		"(Debian: apt-get install postgresql-client; Alpine: apk add postgresql-client; macOS: brew install libpq)", major)
}

func programFolders(env environment) []string {
	dirs := filepath.SplitList(env["PATH"])
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/libexec/postgresql*", "/opt/homebrew/opt/libpq/bin",
		"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/libpq/bin",
	} {
		matches, _ := filepath.Glob(pattern)
		dirs = append(dirs, matches...)
	}
	return dirs
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) ((\d+)[.\w]*)`)

func inspect(ctx context.Context, env environment, dir string) (programs, bool) {
	if real, err := filepath.EvalSymlinks(filepath.Join(dir, "pg_dump")); err != nil || filepath.Base(real) == "pg_wrapper" {
		return programs{}, false // Debian's version switch
	}
	for _, name := range []string{"pg_dump", "pg_restore", "psql"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.IsDir() {
			return programs{}, false
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, filepath.Join(dir, "pg_dump"), "--version") //nolint:gosec // a folder of the operator's PATH
	command.Env = env.list()
	output, err := command.Output()
	match := versionPattern.FindSubmatch(output)
	if err != nil || match == nil {
		return programs{}, false
	}
	major, err := strconv.Atoi(string(match[2]))
	return programs{dir: dir, version: string(match[1]), major: major}, err == nil
}

func (p programs) command(ctx context.Context, env []string, name string, args ...string) (*exec.Cmd, *complaint) {
	command := exec.CommandContext(ctx, filepath.Join(p.dir, name), args...) //nolint:gosec // the arguments are ours
	command.Env = env
	command.WaitDelay = 5 * time.Second
	endWithParent(command)
	said := &complaint{name: name}
	command.Stderr = said
	return command, said
}

// supervised owns an OS thread: its child dies with it, so with a killed authd.
func supervised(work func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		done <- work()
	}()
	return <-done
}

// complaint keeps the start of standard error.
type complaint struct {
	name string
	text bytes.Buffer
}

const complaintLimit = 2_000

// Write never blocks the program.
func (c *complaint) Write(said []byte) (int, error) {
	c.text.Write(said[:min(len(said), complaintLimit-c.text.Len())])
	return len(said), nil
}

func (c *complaint) about(err error) error {
	words := strings.TrimSpace(c.text.String())
	if words == "" {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return fmt.Errorf("%s: %w: %s", c.name, err, words)
}
