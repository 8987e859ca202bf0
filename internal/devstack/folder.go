package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"auth-v2-service/internal/devstack/lockfile"
)

// Folder is a checkout's data folder, .dev.
type Folder string

func (f Folder) path(name string) string { return filepath.Join(string(f), name) }

// RunEnv is the path of run.env.
func (f Folder) RunEnv() string { return f.path("run.env") }

func (f Folder) lockPath() string { return f.path("lock") }

// ErrRunning reports a running stack.
var ErrRunning = errors.New("a stack is already running in this folder")

// ErrNotRunning reports a missing stack.
var ErrNotRunning = errors.New("no stack is running in this folder; `make run` starts one")

func (f Folder) hold() (*lockfile.Lock, error) {
	lock, err := lockfile.Try(f.lockPath())
	if errors.Is(err, lockfile.ErrHeld) {
		return nil, fmt.Errorf("%w: %s (process %d)", ErrRunning, f, lockfile.Holder(f.lockPath()))
	}
	return lock, err
}

// holdSoon retries: Running holds the lock for a moment.
func (f Folder) holdSoon(ctx context.Context) (*lockfile.Lock, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	lock, err := lockfile.Wait(ctx, f.lockPath())
	if errors.Is(err, context.DeadlineExceeded) {
		return f.hold()
	}
	return lock, err
}

// Running reads run.env; ErrNotRunning when the lock is free.
func (f Folder) Running() (Env, error) {
	if _, err := os.Stat(string(f)); err != nil {
		return nil, fmt.Errorf("%w (%s)", ErrNotRunning, f)
	}
	lock, err := f.hold()
	if err == nil {
		return nil, errors.Join(fmt.Errorf("%w (%s)", ErrNotRunning, f), lock.Close())
	}
	if !errors.Is(err, ErrRunning) {
		return nil, err
	}
	env, err := readEnv(f.RunEnv())
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("the stack in %s is still starting", f)
	}
	return env, err
}

// Clean removes the folder, or returns ErrRunning.
func (f Folder) Clean() error {
	if _, err := os.Stat(string(f)); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	lock, err := f.hold()
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if err := os.RemoveAll(string(f)); err != nil {
		return fmt.Errorf("remove %s: %w", f, err)
	}
	return nil
}
