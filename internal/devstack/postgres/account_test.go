package postgres

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func readableTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "postgres-account")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAccount_WithoutUserNamespaces(t *testing.T) {
	t.Parallel()
	o := Options{DataDir: filepath.Join(readableTemp(t), "data"), Log: io.Discard}
	programs, err := locate(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		if chosen, err := chooseAccount(programs); err != nil || chosen.other != nil || chosen.attributes != nil {
			t.Errorf("an ordinary user gets %+v, %v, want himself", chosen, err)
		}
		return
	}
	account, err := otherAccount(programs)
	if err != nil {
		t.Fatal(err)
	}
	password, err := initialise(t.Context(), o, programs, account)
	if err != nil {
		t.Fatal(err)
	}
	server, err := launch(t.Context(), o, programs, account, password)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.prepare(t.Context()); err != nil {
		t.Error(err)
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	if again, err := initialise(t.Context(), o, programs, account); err != nil || again != password {
		t.Errorf("the second start reads password %q, %v", again, err)
	}
}

func TestAccount_SaysWhichFolderCannotBeEntered(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(readableTemp(t), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		return
	}
	programs, err := locate(t.Context(), Options{Log: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	account, err := otherAccount(programs)
	if err != nil {
		t.Fatal(err)
	}
	if err := account.reach(filepath.Join(closed, "data")); err == nil || !strings.Contains(err.Error(), closed) {
		t.Errorf("got %v, want an error that names %s", err, closed)
	}
}
