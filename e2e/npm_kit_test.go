package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"auth-v2-service/internal/devstack/command"
	"auth-v2-service/internal/devstack/lockfile"
)

// installPackages installs a folder's packages where it lies. The lock holds other tests and other checkouts back.
func installPackages(t *testing.T, folder string) {
	t.Helper()
	lock, err := lockfile.Wait(t.Context(), filepath.Join(os.TempDir(), fmt.Sprintf("auth-v2-service-npm-%d.lock", os.Getuid())))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }()
	if err := command.Run(t.Context(), "", filepath.Join("..", "tools", "npm-install.sh"), folder); err != nil {
		t.Fatal(err)
	}
}
