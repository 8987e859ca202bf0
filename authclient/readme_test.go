package authclient_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

func TestReadme_TheProgramBuildsElsewhere(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	program := regexp.MustCompile("(?s)```go\n(.*?)```").FindSubmatch(page)
	words := regexp.MustCompile("go mod edit (\\S+) (-replace=[^=]+=)<checkout>/authclient`").FindSubmatch(page)
	here, err := filepath.Abs(".")
	if program == nil || words == nil || err != nil {
		t.Fatalf("README.md has no program, or does not say how to get authclient: %v", err)
	}
	elsewhere := t.TempDir()
	if err := os.WriteFile(filepath.Join(elsewhere, "main.go"), program[1], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{
		{"go", "mod", "init", "example.com/elsewhere"},
		{"go", "mod", "edit", string(words[1]), string(words[2]) + here},
		{"go", "vet", "."},
		{"go", "build", "-o", "elsewhere", "."},
	} {
		run := exec.CommandContext(t.Context(), command[0], command[1:]...)
		run.Dir = elsewhere
		run.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off")
		if output, err := run.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", command, err, output)
		}
	}
}
