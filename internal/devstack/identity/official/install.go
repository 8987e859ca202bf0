package official

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

	"auth-v2-service/tools/emulator"
)

// Install makes sure that the pinned emulator is under cache (empty: the user's cache folder) and gives its folder, which is
// named after the lock file: another version is another folder. Several processes may install at once; one of them wins.
func Install(ctx context.Context, cache string) (string, error) {
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			user = os.TempDir() // a service account without a home
		}
		cache = filepath.Join(user, "auth-v2-service")
	}
	name, err := folderName()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, name)
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	if err := os.MkdirAll(cache, 0o750); err != nil {
		return "", fmt.Errorf("emulator cache: %w", err)
	}
	return folder, installInto(ctx, cache, folder)
}

func folderName() (string, error) {
	sum := sha256.New()
	for _, name := range []string{"package.json", "package-lock.json", "start.cjs"} {
		content, err := emulator.Files.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("emulator files: %w", err)
		}
		sum.Write(content)
	}
	return "firebase-tools-" + hex.EncodeToString(sum.Sum(nil))[:12], nil
}

// installInto works in a folder beside and moves it into place whole, so that a killed installation is never taken for one.
func installInto(ctx context.Context, cache, folder string) (err error) {
	work, err := os.MkdirTemp(cache, "installing-*")
	if err != nil {
		return fmt.Errorf("emulator cache: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if err := os.CopyFS(work, emulator.Files); err != nil {
		return fmt.Errorf("emulator files: %w", err)
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
