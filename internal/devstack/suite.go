package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"auth-v2-service/internal/devstack/child"
	"auth-v2-service/internal/devstack/postgres"
	"auth-v2-service/internal/devstack/redis"
)

// RunWithServers runs a command with private servers at TEST_DATABASE_URL and TEST_REDIS_URL. ctx ends only the start; the command gets
// later signals. Its failure is an *exec.ExitError.
func RunWithServers(ctx context.Context, command []string) (err error) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	start := time.Now()
	database, err := postgres.StartScratch(ctx, os.Stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, database.Stop()) }()
	dir, err := os.MkdirTemp("", "auth-v2-service-redis")
	if err != nil {
		return fmt.Errorf("redis folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cache, err := redis.Start(ctx, redis.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cache.Stop()) }()
	if onTerminal(os.Stderr) {
		_, _ = fmt.Fprintf(os.Stderr, "PostgreSQL %s on %s and Redis %s on %s for this run (%s)\n",
			database.Version(), database.Addr(), cache.Version(), cache.Addr(), since(start))
	}
	env := Env{{"TEST_DATABASE_URL", database.URL("postgres")}, {"TEST_REDIS_URL", cache.URL()}}
	return runCommand(signals, command, env.Over(os.Environ()))
}

func onTerminal(file *os.File) bool {
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func runCommand(signals <-chan os.Signal, command, env []string) error {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	process, err := child.Start(child.Options{Path: path, Args: command[1:], Env: env, Stdout: os.Stdout, Stderr: os.Stderr})
	if err != nil {
		return err
	}
	for {
		select {
		case <-process.Done():
			return process.Err()
		case received := <-signals:
			if sig, ok := received.(syscall.Signal); ok {
				_ = process.Signal(sig)
			}
		}
	}
}
