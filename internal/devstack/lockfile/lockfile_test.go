package lockfile_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/lockfile"
)

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

func TestLock_IsFreeAtOnceWhileProgramsStart(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	starts := sync.WaitGroup{}
	t.Cleanup(starts.Wait)
	for range 2 {
		starts.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
					if err := exec.CommandContext(context.Background(), "true").Run(); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	defer close(ended)
	path := filepath.Join(t.TempDir(), "lock")
	for range 300 {
		held, err := lockfile.Try(path)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
		if err := held.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
