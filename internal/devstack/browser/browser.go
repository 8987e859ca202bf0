package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
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

// Find gives the program of an installed browser. Where there is none it brings one: Debian's, where we may install it, else
// npm's. Processes that ask at once install once. Progress goes to log.
func Find(ctx context.Context, log io.Writer) (string, error) {
	if program := os.Getenv("DEVSTACK_CHROMIUM"); program != "" {
		return program, nil
	}
	if program, ok := installed(); ok {
		return program, nil
	}
	program, debianErr := fromDebian(ctx, log)
	if debianErr == nil {
		return program, nil
	}
	program, npmErr := fromNPM(ctx, log)
	if npmErr == nil {
		return program, nil
	}
	return "", fmt.Errorf("no Chromium is installed and none could be (install Debian's package chromium, or Chrome, "+
		"or name its program in DEVSTACK_CHROMIUM): %w", errors.Join(debianErr, npmErr))
}

func installed() (program string, ok bool) {
	for _, name := range append(programs, onMac) {
		if program, err := exec.LookPath(name); err == nil {
			return program, true
		}
	}
	return "", false
}
