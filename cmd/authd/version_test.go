package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The linker reports no error for a missing variable.
func TestVersion_IsTheOneThatTheBuildNames(t *testing.T) {
	program := filepath.Join(t.TempDir(), "authd")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-X main.revision=v1.2.3-named", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as make builds, from the same cache
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, output)
	}
	output, err := exec.CommandContext(t.Context(), program, "version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(string(output)); got != "v1.2.3-named" {
		t.Errorf("version shows %q, expected what the build named", got)
	}
}
