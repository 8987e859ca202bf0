// Package programs builds authd and authdev for tests that run them as people do. Each program is linked once for a state of the code:
// all tests and test binaries of a checkout share it. The flags are those of `make build`, so that its packages come from the cache.
// It does not know what a program does.
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

// Authd gives the path of authd.
func Authd(t testing.TB) string { return built(t, "authd") }

// Authdev gives the path of authdev.
func Authdev(t testing.TB) string { return built(t, "authdev") }

// Dir gives the folder that holds both programs.
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

// buildPatience covers a machine where nothing is compiled yet.
const buildPatience = 15 * time.Minute

// build links a program into a folder of the checkout's own in the user's cache. The go command leaves a program alone that is up to date,
// so that a second process does not write what the first one runs.
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
