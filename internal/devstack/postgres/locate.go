package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const oldestMajor = 14

// neededExtensions are used by migrations; servers without them are skipped.
var neededExtensions = []string{"uuid-ossp", "pgcrypto"}

type programs struct {
	dir     string
	version string
	major   int
}

func (p programs) path(name string) string { return filepath.Join(p.dir, name) }

// locate returns the newest installed server for the data folder, else npm's, else Debian's.
func locate(ctx context.Context, o Options) (programs, error) {
	wanted, err := dataMajor(o.DataDir)
	if err != nil {
		return programs{}, err
	}
	if found, ok := choose(installed(ctx), wanted); ok {
		return found, nil
	}
	found, err := install(ctx, o.Log)
	if err != nil {
		return programs{}, fmt.Errorf("no PostgreSQL %d or later is installed and none could be: %w", oldestMajor, err)
	}
	if chosen, ok := choose([]programs{found}, wanted); ok {
		return chosen, nil
	}
	return programs{}, fmt.Errorf("%s was made by PostgreSQL %s, which is not here any more (there is %s): "+
		"install it, or remove that folder to begin anew", o.DataDir, wanted, found.version)
}

func choose(candidates []programs, wantedMajor string) (programs, bool) {
	slices.SortStableFunc(candidates, func(a, b programs) int { return b.major - a.major })
	for _, candidate := range candidates {
		if wantedMajor == "" || wantedMajor == strconv.Itoa(candidate.major) {
			return candidate, true
		}
	}
	return programs{}, false
}

// DEVSTACK_POSTGRES_BIN replaces the search.
func installed(ctx context.Context) []programs {
	var found []programs
	var seen []string
	for _, dir := range binFolders(ctx) {
		real, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
		if err != nil || slices.Contains(seen, real) {
			continue
		}
		seen = append(seen, real)
		if candidate, err := inspect(ctx, filepath.Dir(real)); err == nil {
			found = append(found, candidate)
		}
	}
	return found
}

func binFolders(ctx context.Context) []string {
	if dir := os.Getenv("DEVSTACK_POSTGRES_BIN"); dir != "" {
		return []string{dir}
	}
	dirs := filepath.SplitList(os.Getenv("PATH"))
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin"} {
		matches, _ := filepath.Glob(pattern)
		dirs = append(dirs, matches...)
	}
	if output, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(output)))
	}
	return dirs
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) ((\d+)[.\w]*)`)

func inspect(ctx context.Context, dir string) (programs, error) {
	output, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return programs{}, fmt.Errorf("run %s/postgres: %w", dir, err)
	}
	match := versionPattern.FindStringSubmatch(string(output))
	if match == nil {
		return programs{}, fmt.Errorf("%s/postgres is no PostgreSQL: %q", dir, output)
	}
	major, err := strconv.Atoi(match[2])
	if err != nil || major < oldestMajor {
		return programs{}, fmt.Errorf("%s is PostgreSQL %s, older than %d", dir, match[1], oldestMajor)
	}
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return programs{}, fmt.Errorf("no initdb beside postgres: %w", err)
	}
	if err := checkExtensions(dir, match[2]); err != nil {
		return programs{}, err
	}
	return programs{dir: dir, version: match[1], major: major}, nil
}

// checkExtensions accepts a server with an unknown folder.
func checkExtensions(binDir, major string) error {
	for _, dir := range []string{
		filepath.Join("/usr/share/postgresql", major, "extension"),
		filepath.Join(binDir, "../share/extension"), filepath.Join(binDir, "../share/postgresql/extension"),
	} {
		if _, err := os.Stat(filepath.Join(dir, "plpgsql.control")); err != nil {
			continue
		}
		var missing error
		for _, name := range neededExtensions {
			if _, err := os.Stat(filepath.Join(dir, name+".control")); err != nil {
				missing = errors.Join(missing, fmt.Errorf("extension %s is not installed in %s", name, dir))
			}
		}
		return missing
	}
	return nil
}
