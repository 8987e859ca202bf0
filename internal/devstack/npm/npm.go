// Package npm installs pinned npm packages into a shared cache, or a package-lock.json into its folder, each completely or not. npm must be
// on the PATH.
package npm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"auth-v2-service/internal/devstack/command"
	"auth-v2-service/internal/devstack/lockfile"
)

// Package is a package's version.
type Package struct {
	Name    string
	Version string
	// Prepare runs after installation; npm runs no scripts.
	Prepare []string
}

// CacheDir is the shared cache. Other users cannot enter /root.
func CacheDir() string {
	if os.Geteuid() == 0 {
		return "/var/cache/auth-v2-service"
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "auth-v2-service")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("auth-v2-service-cache-%d", os.Getuid()))
}

func (p Package) root() string {
	return filepath.Join(CacheDir(), strings.ReplaceAll(strings.TrimPrefix(p.Name, "@"), "/", "-")+"-"+p.Version)
}

// Dir is the package's folder.
func (p Package) Dir() string {
	return filepath.Join(p.root(), "node_modules", filepath.FromSlash(p.Name))
}

// Install installs once for concurrent processes.
func (p Package) Install(ctx context.Context, log io.Writer) error {
	lock, err := lockfile.Wait(ctx, p.root()+".lock")
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if _, err := os.Stat(filepath.Join(p.Dir(), "package.json")); err == nil {
		return nil
	}
	start := time.Now()
	_, _ = fmt.Fprintf(log, "Installing %s %s from npm ...\n", p.Name, p.Version)
	if err := p.installInto(ctx, p.root()+".half"); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(log, "Installed in %s (%.1f s)\n", p.root(), time.Since(start).Seconds())
	return nil
}

func (p Package) installInto(ctx context.Context, half string) error {
	if err := errors.Join(os.RemoveAll(half), os.RemoveAll(p.root()), os.MkdirAll(half, 0o755)); err != nil {
		return fmt.Errorf("cache folder: %w", err)
	}
	install := []string{
		"npm", "install", "--prefix", half, "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", p.Name + "@" + p.Version,
	}
	if err := command.Run(ctx, half, install...); err != nil {
		return err
	}
	if len(p.Prepare) > 0 {
		if err := command.Run(ctx, filepath.Join(half, "node_modules", filepath.FromSlash(path.Clean(p.Name))), p.Prepare...); err != nil {
			return err
		}
	}
	if err := os.Rename(half, p.root()); err != nil {
		return fmt.Errorf("cache folder: %w", err)
	}
	return nil
}

// InstallLocked installs dir's package-lock.json.
func InstallLocked(ctx context.Context, dir string, log io.Writer) error {
	lock, err := lockfile.Wait(ctx, filepath.Join(os.TempDir(), fmt.Sprintf("auth-v2-service-npm-%d.lock", os.Getuid())))
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if upToDate(dir) {
		return nil
	}
	start := time.Now()
	_, _ = fmt.Fprintf(log, "Installing the packages of %s from npm ...\n", dir)
	if err := command.Run(ctx, dir, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(log, "Installed (%.1f s)\n", time.Since(start).Seconds())
	return nil
}

// npm writes node_modules/.package-lock.json last.
func upToDate(dir string) bool {
	wanted, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return false
	}
	done, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json"))
	return err == nil && !done.ModTime().Before(wanted.ModTime())
}
