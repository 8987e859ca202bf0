package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopOrphans ends a server that a killed owner left running in dataDir and removes its stale postmaster.pid. The caller
// holds the folder's lock, so whoever runs there has no owner any more. Politeness grows shorter: the kernel has asked an
// orphan to end already, and usually it is only finishing.
func stopOrphans(ctx context.Context, dataDir string) error {
	for _, sig := range []syscall.Signal{0, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
		for _, pid := range serversIn(dataDir) {
			if sig != 0 {
				_ = syscall.Kill(pid, sig) // it may have ended since
			}
		}
		if waitGone(ctx, dataDir, 3*time.Second) {
			return removeStalePid(dataDir)
		}
	}
	return fmt.Errorf("processes %v of an earlier run do not leave %s", serversIn(dataDir), dataDir)
}

func waitGone(ctx context.Context, dataDir string, limit time.Duration) bool {
	deadline := time.Now().Add(limit)
	for len(serversIn(dataDir)) > 0 {
		if ctx.Err() != nil || time.Now().After(deadline) {
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
	return true
}

// removeStalePid forgets a server that is known to be gone: PostgreSQL itself would refuse to start when the number in the
// file belongs to some other program by now.
func removeStalePid(dataDir string) error {
	err := os.Remove(filepath.Join(dataDir, "postmaster.pid"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the stale pid file: %w", err)
	}
	return nil
}

// serversIn finds the PostgreSQL processes that work in dataDir: the postmaster and all its children change into it. Where
// there is no /proc, the postmaster's own file is asked.
func serversIn(dataDir string) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return postmasterIn(dataDir)
	}
	real, err := filepath.EvalSymlinks(dataDir)
	if err != nil {
		return nil // no folder, nobody in it
	}
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if cwd, err := os.Readlink(filepath.Join("/proc", entry.Name(), "cwd")); err != nil || cwd != real {
			continue
		}
		if exe, err := os.Readlink(filepath.Join("/proc", entry.Name(), "exe")); err == nil && isServer(exe) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func isServer(exe string) bool {
	return filepath.Base(strings.TrimSuffix(exe, " (deleted)")) == "postgres"
}

func postmasterIn(dataDir string) []int {
	content, err := os.ReadFile(filepath.Join(dataDir, "postmaster.pid"))
	if err != nil {
		return nil
	}
	first, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 || syscall.Kill(pid, 0) != nil {
		return nil
	}
	return []int{pid}
}
