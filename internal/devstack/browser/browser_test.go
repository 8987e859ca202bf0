package browser_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"auth-v2-service/internal/devstack/browser"
)

func TestFind_BringsOneThatStarts(t *testing.T) {
	program, err := browser.Find(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if output, err := exec.CommandContext(t.Context(), program, "--version").Output(); err != nil {
		t.Errorf("%s --version: %v", program, err)
	} else {
		t.Logf("%s: %s", program, strings.TrimSpace(string(output)))
	}
}

func TestFind_TakesTheInstalledOneAndTheNamedOne(t *testing.T) {
	folder := t.TempDir()
	program := filepath.Join(folder, "google-chrome")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder)
	if got, err := browser.Find(t.Context(), t.Output()); err != nil || got != program {
		t.Errorf("found %q, %v, expected %s", got, err, program)
	}
	t.Setenv("DEVSTACK_CHROMIUM", "/some/other")
	if got, err := browser.Find(t.Context(), t.Output()); err != nil || got != "/some/other" {
		t.Errorf("found %q, %v, expected the one named", got, err)
	}
}

func TestFind_SaysWhatToInstall(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("DEVSTACK_CHROMIUM", "")
	_, err := browser.Find(t.Context(), t.Output())
	if err == nil || !strings.Contains(err.Error(), "install Debian's package chromium") {
		t.Errorf("found nothing and said %v", err)
	}
}
