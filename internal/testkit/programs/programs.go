// Package programs builds authd and authdev once per state of a checkout, with the flags of `make build`.
package programs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/lockfile"
	"auth-v2-service/internal/testkit/checkout"
)

// Authd returns authd's path.
func Authd(t testing.TB) string { return built(t, "authd") }

// Authdev returns authdev's path.
func Authdev(t testing.TB) string { return built(t, "authdev") }

// Dir returns the folder of both.
func Dir(t testing.TB) string {
	t.Helper()
	Authdev(t)
	return filepath.Dir(Authd(t))
}

var builds = map[string]func() (string, error){
	"authd":   sync.OnceValues(func() (string, error) { return build("authd") }),
	"authdev": sync.OnceValues(func() (string, error) { return build("authdev") }),
}

func built(t testing.TB, name string) string {
	t.Helper()
	path, err := builds[name]()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

const buildPatience = 15 * time.Minute

// build does not touch an up-to-date program, which another process may run.
func build(name string) (string, error) {
	root, err := checkout.Root()
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	id := sha256.Sum256([]byte(root))
	folder := filepath.Join(cache, "auth-v2-service", "test-programs", hex.EncodeToString(id[:6]))
	ctx, cancel := context.WithTimeout(context.Background(), buildPatience)
	defer cancel()
	lock, err := lockfile.Wait(ctx, filepath.Join(folder, name+".lock"))
	if err != nil {
		return "", fmt.Errorf("wait for another build of %s: %w", name, err)
	}
	defer func() { _ = lock.Close() }()
	path := filepath.Join(folder, name)
	command := exec.CommandContext(ctx, "go", "build", "-o", path, "./cmd/"+name)
	command.Dir, command.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, output)
	}
	return path, nil
}
