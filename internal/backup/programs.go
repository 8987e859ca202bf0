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

// programs is a folder of PostgreSQL's client programs.
type programs struct {
	dir     string
	version string // "15.18"
	major   int
}

// environment is what the programs are given: nothing but what they need, so that no secret of the service gets in.
type environment map[string]string

// inherited are the variables that a program takes over; libpq's own only where an address does not say it.
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

// FindPrograms gives the folder of the programs that serve a server of the given major version. Without any, the error says what
// to install.
func FindPrograms(ctx context.Context, env map[string]string, major int) (string, error) {
	found, err := findPrograms(ctx, env, major)
	return found.dir, err
}

// findPrograms chooses the oldest programs that can handle a server (or a dump) of the given major version: older ones refuse, and
// much newer ones write settings that it does not know.
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
		matches, _ := filepath.Glob(pattern) // fails on a bad pattern only
		dirs = append(dirs, matches...)
	}
	return dirs
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) ((\d+)[.\w]*)`)

func inspect(ctx context.Context, env environment, dir string) (programs, bool) {
	if real, err := filepath.EvalSymlinks(filepath.Join(dir, "pg_dump")); err != nil || filepath.Base(real) == "pg_wrapper" {
		return programs{}, false // Debian's choice of a version; the versions themselves are looked at
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

// command is one of the programs, to be run by supervised.
func (p programs) command(ctx context.Context, env []string, name string, args ...string) (*exec.Cmd, *complaint) {
	command := exec.CommandContext(ctx, filepath.Join(p.dir, name), args...) //nolint:gosec // the arguments are ours
	command.Env = env
	command.WaitDelay = 5 * time.Second
	endWithParent(command)
	said := &complaint{name: name}
	command.Stderr = said
	return command, said
}

// supervised runs work on a thread of its own: a program that work starts ends with that thread, thus also with a killed authd.
func supervised(work func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		done <- work()
	}()
	return <-done
}

// complaint keeps the beginning of what a program says on standard error.
type complaint struct {
	name string
	text bytes.Buffer
}

const complaintLimit = 2_000

// Write keeps what there is room for, and never stops the program.
func (c *complaint) Write(said []byte) (int, error) {
	c.text.Write(said[:min(len(said), complaintLimit-c.text.Len())])
	return len(said), nil
}

// about is the failure of the program in its own words.
func (c *complaint) about(err error) error {
	words := strings.TrimSpace(c.text.String())
	if words == "" {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return fmt.Errorf("%s: %w: %s", c.name, err, words)
}
