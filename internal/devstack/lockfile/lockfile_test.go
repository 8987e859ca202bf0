package lockfile_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/lockfile"
)

// One holds it, who it is can be told, and it can be had again afterwards; waiting ends with either.
func TestLock_OneHolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "folder", "lock")
	held, err := lockfile.Try(path)
	if err != nil {
		t.Fatal(err)
	}
	if pid := lockfile.Holder(path); pid != os.Getpid() {
		t.Errorf("the holder is %d, want %d", pid, os.Getpid())
	}
	if _, err := lockfile.Try(path); !errors.Is(err, lockfile.ErrHeld) {
		t.Errorf("a second try gives %v, want ErrHeld", err)
	}
	impatient, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := lockfile.Wait(impatient, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting in vain gives %v, want the context's error", err)
	}
	time.AfterFunc(20*time.Millisecond, func() { _ = held.Close() })
	next, err := lockfile.Wait(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Close(); err != nil {
		t.Error(err)
	}
}
