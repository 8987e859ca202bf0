package postgres

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestInstallNPM_BringsAServerWithExtensions(t *testing.T) {
	t.Parallel()
	programs, err := installNPM(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	account, err := chooseAccount(programs)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{DataDir: filepath.Join(t.TempDir(), "data"), Log: io.Discard}
	password, err := initialise(t.Context(), o, programs, account)
	if err != nil {
		t.Fatal(err)
	}
	server, err := launch(t.Context(), o, programs, account, password)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	t.Logf("PostgreSQL %s in %s", server.Version(), programs.dir)
	for _, extension := range neededExtensions {
		err := server.withSuper(t.Context(), func(conn *pgx.Conn) error {
			_, err := conn.Exec(t.Context(), "CREATE EXTENSION "+pgx.Identifier{extension}.Sanitize())
			return err
		})
		if err != nil {
			t.Errorf("create extension %s: %v", extension, err)
		}
	}
}
