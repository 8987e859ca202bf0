package npmproject

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Install makes sure that the project in files (package.json, package-lock.json and what else it needs, at the root) is under
// cache (empty: the user's cache folder) with its dependencies, and gives its folder. The folder is named after the content:
// another version is another folder. Several processes may install at once; one of them wins.
func Install(ctx context.Context, cache, name string, files fs.FS) (string, error) {
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			user = os.TempDir() // a service account without a home
		}
		cache = filepath.Join(user, "auth-v2-service")
	}
	sum, err := digest(files)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, name+"-"+sum)
	if exists(folder) {
		return folder, nil
	}
	if err := os.MkdirAll(cache, 0o750); err != nil {
		return "", fmt.Errorf("npm cache: %w", err)
	}
	return folder, installInto(ctx, cache, folder, files)
}

// digest names the content of all files.
func digest(files fs.FS) (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(sum, "%s %d\n%s", path, len(content), content)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("npm project: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil))[:12], nil
}

// installInto works in a folder beside and moves it into place whole, so that a killed installation is never taken for one.
func installInto(ctx context.Context, cache, folder string, files fs.FS) (err error) {
	work, err := os.MkdirTemp(cache, "installing-*")
	if err != nil {
		return fmt.Errorf("npm cache: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if err := os.CopyFS(work, files); err != nil {
		return fmt.Errorf("npm project: %w", err)
	}
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir, npm.WaitDelay = work, 10*time.Second
	var output bytes.Buffer
	npm.Stdout, npm.Stderr = &output, &output
	if err := npm.Run(); err != nil {
		return fmt.Errorf("npm ci: %w\n%s", err, output.String())
	}
	err = os.Rename(work, folder)
	if errors.Is(err, fs.ErrExist) || exists(folder) {
		return nil // somebody else was faster
	}
	return err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
