package pgbouncer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"auth-v2-service/internal/devstack/lockfile"
	"auth-v2-service/internal/devstack/npm"
)

const installLimit = 5 * time.Minute

var program = sync.OnceValues(func() (string, error) {
	if path, ok := look(); ok {
		return path, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), installLimit)
	defer cancel()
	lock, err := lockfile.Wait(ctx, filepath.Join(npm.SharedCache(), "pgbouncer.lock"))
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }()
	if path, ok := look(); ok {
		return path, nil
	}
	if err := install(ctx); err != nil {
		return "", err
	}
	if path, ok := look(); ok {
		return path, nil
	}
	return "", errors.New("the package pgbouncer of Debian was installed and brought no program")
})

func look() (string, bool) {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, true
		}
	}
	return "", false
}

// keepsStatements reports 1.21 and later, which keep clients' prepared statements by default.
func keepsStatements(path string) (bool, error) {
	output, err := exec.Command(path, "--version").Output()
	if err != nil {
		return false, fmt.Errorf("ask %s for its version: %w", path, err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(string(output), "PgBouncer %d.%d", &major, &minor); err != nil {
		return false, fmt.Errorf("%s is no PgBouncer: %q", path, output)
	}
	return major > 1 || minor >= 21, nil
}

func install(ctx context.Context) error {
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return errors.New("PgBouncer is not installed, and only root can install it here: install it and run this again " +
			"(Debian: sudo apt-get install pgbouncer; macOS: brew install pgbouncer)")
	}
	_, _ = fmt.Fprintln(os.Stderr, "Installing Debian's package pgbouncer ...")
	return startingNoServices(func() error {
		return errors.Join(apt(ctx, "update", "-q"), apt(ctx, "install", "-q", "-y", "--no-install-recommends", "pgbouncer"))
	})
}

func apt(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if output, err := cmd.CombinedOutput(); err != nil {
		text := strings.TrimSpace(string(output))
		return fmt.Errorf("apt-get %s: %w\n%s", strings.Join(args, " "), err, text[max(0, len(text)-2000):])
	}
	return nil
}

func startingNoServices(do func() error) error {
	const policy = "/usr/sbin/policy-rc.d"
	file, err := os.OpenFile(policy, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return do()
	}
	if err != nil {
		return fmt.Errorf("keep the package from starting a service: %w", err)
	}
	defer func() { _ = os.Remove(policy) }()
	_, err = file.WriteString("#!/bin/sh\nexit 101\n")
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("keep the package from starting a service: %w", err)
	}
	return do()
}
