package backup_test

import (
	"testing"
	"time"

	"auth-v2-service/internal/backup"
)

func TestRequireYounger_WantsAVerifiedBackupOfThisDatabase(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	d, other := populated(t), populated(t)
	now := time.Now()
	demand := func(dir string, conn backup.Querier, now time.Time) error {
		return backup.RequireYounger(t.Context(), dir, conn, day, now)
	}
	tells(t, demand(d.dir, d, now), "it is empty", "authd backup create --dir "+d.dir)
	path, _ := d.create(true)
	tells(t, demand(d.dir, d, now), "never verified", "authd backup verify "+path)
	d.verify(path)
	if err := demand(d.dir, d, now); err != nil {
		t.Errorf("a fresh verified backup is refused: %v", err)
	}
	if err := demand(d.dir, d, now.Add(day-time.Minute)); err != nil {
		t.Errorf("a backup of nearly a day is refused: %v", err)
	}
	tells(t, demand(d.dir, d, now.Add(day+time.Minute)), "it is 24h1m")
	tells(t, demand(d.dir, d, now.Add(-time.Hour)), "still to come")
	tells(t, demand(d.dir, other, now), "of another")
	d.people(1)
	second, _ := d.create(true) // does not hide the older one
	if err := demand(d.dir, d, now); err != nil {
		t.Errorf("the verified backup is refused beside an unverified one: %v", err)
	}
	copyFile(t, backup.ManifestPath(path), backup.ManifestPath(second))
	change(t, path, func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
	tells(t, demand(d.dir, d, now), "SHA-256", "manifest is another's")
}

func TestRequireYounger_NeedsTheDatabase(t *testing.T) {
	t.Parallel()
	d := populated(t)
	path, _ := d.create(true)
	d.verify(path)
	d.Close()
	cannotSay(t, backup.RequireYounger(background(t), d.dir, d, time.Hour, time.Now()), "which it is")
}
