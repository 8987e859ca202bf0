// Package npm installs pinned npm projects into a cache, atomically. It needs npm. tools/npm-install.sh installs a checkout's projects.
package npm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"auth-v2-service/internal/devstack/command"
	"auth-v2-service/internal/devstack/treehash"
)

// SharedCache is a cache that other system users can enter, unlike /root.
func SharedCache() string {
	if os.Geteuid() == 0 {
		return "/var/cache/auth-v2-service"
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "auth-v2-service")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("auth-v2-service-cache-%d", os.Getuid()))
}

// Install installs the npm project in files under cache (empty: the user's) and returns its folder, named by content hash. Packages'
// scripts do not run; the project's script "unpack" does. Concurrent processes may install.
func Install(ctx context.Context, cache, name string, files fs.FS, log io.Writer) (string, error) {
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			user = os.TempDir() // no home
		}
		cache = filepath.Join(user, "auth-v2-service")
	}
	sum, err := treehash.Of(files)
	if err != nil {
		return "", fmt.Errorf("npm project: %w", err)
	}
	folder := filepath.Join(cache, name+"-"+sum)
	if exists(folder) {
		return folder, nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", fmt.Errorf("npm cache: %w", err)
	}
	start := time.Now()
	_, _ = fmt.Fprintf(log, "Installing %s from npm into %s ...\n", name, folder)
	if err := installInto(ctx, cache, folder, files); err != nil {
		return "", err
	}
	_, _ = fmt.Fprintf(log, "Installed (%.1f s)\n", time.Since(start).Seconds())
	return folder, nil
}

func installInto(ctx context.Context, cache, folder string, files fs.FS) (err error) {
	work, err := os.MkdirTemp(cache, "installing-*")
	if err != nil {
		return fmt.Errorf("npm cache: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if err := errors.Join(os.Chmod(work, 0o755), os.CopyFS(work, files)); err != nil {
		return fmt.Errorf("npm project: %w", err)
	}
	for _, step := range [][]string{
		{"npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"},
		{"npm", "run", "--silent", "--if-present", "unpack"},
	} {
		if err := command.Run(ctx, work, step...); err != nil {
			return err
		}
	}
	err = os.Rename(work, folder)
	if errors.Is(err, fs.ErrExist) || exists(folder) {
		return nil // another process was faster
	}
	return err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
