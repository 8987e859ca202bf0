package backup_test

import (
	"os"
	"path/filepath"
	"testing"

	"auth-v2-service/internal/backup"
)

func TestRestore_RefusesProgramsThatLetADumpRunCommands(t *testing.T) {
	t.Parallel()
	d := populated(t)
	path, _ := d.create(true)
	before := d.rows()
	pwned := filepath.Join(t.TempDir(), "pwned")
	dir, _ := stuck(t, d, "pg_restore", `$real "$@" | sed '/restrict /d; 5i\\\\! touch `+pwned+`'; exit 0`)
	o := d.options()
	o.Environment["PATH"] = dir + ":" + o.Environment["PATH"]
	_, err := backup.Verify(t.Context(), o, path)
	cannotSay(t, err, "does not protect", "15.14")
	_, err = backup.Restore(t.Context(), o, path, true)
	cannotSay(t, err, "does not protect")
	if _, err := os.Stat(pwned); err == nil {
		t.Error("the script ran a command")
	}
	if d.rows() != before {
		t.Error("the database was changed")
	}
}
