package main

import (
	"errors"
	"testing"

	"auth-v2-service/internal/testkit/pgtest"
)

func codeOf(err error) int {
	var known failure
	if errors.As(err, &known) {
		return known.code
	}
	if err != nil {
		return -1
	}
	return 0
}

func TestSchemaCommands_TheWayUpAndDown(t *testing.T) {
	t.Setenv("DATABASE_URL", pgtest.Empty(t))
	t.Setenv("DATABASE_DIRECT_URL", "")
	t.Setenv("DATABASE_OWNER_URL", "")
	backups := t.TempDir()
	for _, step := range []struct {
		name string
		run  func() error
		want int
	}{
		{"status of an empty database", statusCommand{}.Run, differs},
		{"adopt nothing", adoptCommand{DryRun: true}.Run, differs},
		{"migrate to nowhere", migrateCommand{To: "9"}.Run, couldNotSay},
		{"rehearse", migrateCommand{DryRun: true}.Run, differs},
		{"migrate without a backup", migrateCommand{safeguard: safeguard{RequireBackupYoungerThan: 1, BackupDir: backups}}.Run, differs},
		{"migrate to the legacy table", migrateCommand{To: "000"}.Run, 0},
		{"validate half a way", validateCommand{}.Run, differs},
		{"look before adopting", adoptCommand{DryRun: true}.Run, 0},
		{"adopt", adoptCommand{}.Run, 0},
		{"status", statusCommand{}.Run, 0},
		{"rehearse with nothing to do", migrateCommand{DryRun: true}.Run, 0},
		{"validate", validateCommand{}.Run, 0},
		{"validate for programs", validateCommand{JSON: true}.Run, 0},
		{"roll back", rollbackCommand{To: "009"}.Run, 0},
		{"roll back to nowhere", rollbackCommand{To: "777"}.Run, couldNotSay},
		{"migrate again", migrateCommand{}.Run, 0},
		{"a new migration", newCommand{Name: "add_locale", Dir: t.TempDir()}.Run, 0},
		{"a bad name", newCommand{Name: "Add Locale", Dir: t.TempDir()}.Run, couldNotSay},
	} {
		if err := step.run(); codeOf(err) != step.want {
			t.Fatalf("%s ended with %d (%v), expected %d", step.name, codeOf(err), err, step.want)
		}
	}
	t.Setenv("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing")
	if err := (statusCommand{}).Run(); codeOf(err) != couldNotSay {
		t.Errorf("an unreachable server ended with %d (%v), expected %d", codeOf(err), err, couldNotSay)
	}
}
