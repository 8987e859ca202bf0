// Package lockfile lets one process at a time hold a folder. The kernel frees the lock when the process ends.
package lockfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// ErrHeld reports another process's lock.
var ErrHeld = errors.New("held by another process")

// Lock is a held lock.
type Lock struct{ file *flock.Flock }

// Try takes the lock or returns ErrHeld. It makes the folder.
func Try(path string) (*Lock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("make the lock's folder: %w", err)
	}
	file := flock.New(path)
	taken, err := file.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if !taken {
		return nil, fmt.Errorf("%s: %w", path, ErrHeld)
	}
	// for messages only
	_ = os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600)
	return &Lock{file: file}, nil
}

// Wait takes the lock once free, or returns the context's error.
func Wait(ctx context.Context, path string) (*Lock, error) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		lock, err := Try(path)
		if !errors.Is(err, ErrHeld) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for %s: %w", path, ctx.Err())
		case <-tick.C:
		}
	}
}

// Holder returns the last holder's pid, or 0.
func Holder(path string) int {
	content, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 0
	}
	return pid
}

// Close unlocks explicitly: a starting child still shares the file.
func (l *Lock) Close() error { return l.file.Unlock() }
