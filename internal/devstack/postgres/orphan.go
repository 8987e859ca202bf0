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

// stopOrphans ends a killed owner's servers. The caller holds the lock. The first round only waits: the kernel has signalled them.
func stopOrphans(ctx context.Context, dataDir string) error {
	for _, sig := range []syscall.Signal{0, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
		for _, pid := range serversIn(dataDir) {
			if sig != 0 {
				_ = syscall.Kill(pid, sig)
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

// removeStalePid: PostgreSQL refuses to start when another program has the pid.
func removeStalePid(dataDir string) error {
	err := os.Remove(filepath.Join(dataDir, "postmaster.pid"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the stale pid file: %w", err)
	}
	return nil
}

// serversIn reads /proc, or else postmaster.pid.
func serversIn(dataDir string) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return postmasterIn(dataDir)
	}
	real, err := filepath.EvalSymlinks(dataDir)
	if err != nil {
		return nil
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
