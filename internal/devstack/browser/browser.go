package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"auth-v2-service/internal/devstack/lockfile"
)

// programs are the names that Chromium and its kin are installed under.
var programs = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}

// onMac is where macOS keeps programs with windows.
const onMac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"

// Flags start a browser without a window that asks nobody anything by itself and reaches this machine's loopback alone: all
// else goes to a proxy where nobody listens. It shows our own pages only, so it may do without the sandbox, which neither root
// nor many containers can set up. The profile's folder is the caller's to give.
func Flags() map[string]any {
	return map[string]any{
		"headless": true, "no-sandbox": true, "disable-gpu": true, "disable-quic": true, "disable-dev-shm-usage": true,
		"no-first-run": true, "disable-background-networking": true, "disable-component-update": true, "disable-sync": true,
		"proxy-server": "127.0.0.1:1",
	}
}

// Find gives the program of an installed browser, and installs Debian's where there is none and we may. Processes that ask at
// once install once. Progress goes to log.
func Find(ctx context.Context, log io.Writer) (string, error) {
	if program := os.Getenv("DEVSTACK_CHROMIUM"); program != "" {
		return program, nil
	}
	if program, ok := installed(); ok {
		return program, nil
	}
	if err := install(ctx, log); err != nil {
		return "", fmt.Errorf("no Chromium is installed and none could be (install Debian's package chromium, or Chrome, "+
			"or name its program in DEVSTACK_CHROMIUM): %w", err)
	}
	program, ok := installed()
	if !ok {
		return "", errors.New("the package chromium of Debian was installed and brought no program of that name")
	}
	return program, nil
}

func installed() (program string, ok bool) {
	for _, name := range append(programs, onMac) {
		if program, err := exec.LookPath(name); err == nil {
			return program, true
		}
	}
	return "", false
}

func install(ctx context.Context, log io.Writer) error {
	if os.Geteuid() != 0 {
		return errors.New("apt-get: not root")
	}
	lock, err := lockfile.Wait(ctx, filepath.Join(os.TempDir(), "auth-v2-service-chromium.lock"))
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if _, ok := installed(); ok {
		return nil // by somebody else, meanwhile
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
