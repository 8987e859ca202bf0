package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

var programs = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}

const onMac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"

// Flags keeps a browser headless and on loopback, by a dead proxy. The sandbox is off: root and many containers lack it, and only our pages
// load. The caller sets the profile's folder.
func Flags() map[string]any {
	return map[string]any{
		"headless": true, "no-sandbox": true, "disable-gpu": true, "disable-quic": true, "disable-dev-shm-usage": true,
		"no-first-run": true, "disable-background-networking": true, "disable-component-update": true, "disable-sync": true,
		"proxy-server": "127.0.0.1:1",
	}
}

// Find returns an installed browser's program, or installs one, once for concurrent processes.
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
