package devstack

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

func TestEnv_IsReadByShells(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "run.env")
	env := Env{
		{"PLAIN", "postgres://u:p@127.0.0.1:1/db"},
		{"QUERY", "postgres://u:p@h/db?sslmode=disable&x=1"},
		{"QUOTES", `it's $HOME "and" \n`},
		{"EMPTY", ""},
	}
	if err := env.write(path, "two\nlines"); err != nil {
		t.Fatal(err)
	}
	if back, err := readEnv(path); err != nil || !slices.Equal(back, env) {
		t.Errorf("read back %q, %v, want %q", back, err, env)
	}
	for _, variable := range env {
		output, err := exec.Command("sh", "-c", `. "$1"; printf %s "$`+variable.Name+`"`, "sh", path).CombinedOutput()
		if err != nil || string(output) != variable.Value {
			t.Errorf("%s: the shell reads %q, %v, want %q", variable.Name, output, err, variable.Value)
		}
	}
}

func TestEnv_Over(t *testing.T) {
	t.Parallel()
	got := Env{{"A", "new"}}.Over([]string{"A=old", "AB=kept", "B=kept"})
	if want := []string{"AB=kept", "B=kept", "A=new"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
