// Package checkout finds the checkout that a test runs in, for tests that need its scripts. It knows nothing of what they do.
package checkout

import (
	"errors"
	"os"
	"path/filepath"
)

// Root is the folder of go.mod above the package that is tested.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("no go.mod above the working folder")
}
