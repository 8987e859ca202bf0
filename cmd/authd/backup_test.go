package main

import (
	"maps"
	"strings"
	"testing"
)

// The database to write is named by a variable: an address among the arguments would show its password to everybody.
func TestRestore_TakesTheAddressFromAVariable(t *testing.T) {
	env := map[string]string{"DATABASE_URL": "postgres://a@b/live", "RESTORE_URL": "postgres://a:secret@b/copy", "ODD": "mysql://a@b/c"}
	for into, want := range map[string]string{
		"DATABASE_URL": "postgres://a@b/live", "RESTORE_URL": "postgres://a:secret@b/copy",
		"ODD": "", "UNSET": "", "postgres://a:secret@b/copy": "",
	} {
		before := maps.Clone(env)
		got, err := (&backupRestoreCommand{Into: into}).aimed(env)
		if got["DATABASE_URL"] != want || (err != nil) != (want == "") {
			t.Errorf("--into %s aims at %q (%v), expected %q", into, got["DATABASE_URL"], err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error holds a password: %v", err)
		}
		if !maps.Equal(env, before) {
			t.Error("the environment was changed")
		}
	}
}
