package backup

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// clockSkew tolerates backups from the future.
const clockSkew = time.Minute

// RequireYounger returns nil for a verified, intact backup in dir of conn's server and database, younger than age. ErrNoBackup carries each
// reason; other errors: the check failed.
func RequireYounger(ctx context.Context, dir string, conn Querier, age time.Duration, now time.Time) error {
	this, err := readFacts(ctx, conn)
	if err != nil {
		return err
	}
	dumps, err := filepath.Glob(filepath.Join(escaped(dir), "*.dump"))
	if err != nil {
		return fmt.Errorf("look for backups: %w", err)
	}
	if _, err := os.Stat(dir); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("look for backups: %w", err)
	}
	slices.Sort(dumps)
	var reasons []string
	for _, dump := range slices.Backward(dumps) { // newest first
		reason := unfit(dump, this, age, now)
		if reason == "" {
			return nil
		}
		reasons = append(reasons, fmt.Sprintf("  %s: %s", filepath.Base(dump), reason))
	}
	text := "it is empty"
	if len(reasons) > 0 {
		text = "in it is\n" + strings.Join(reasons, "\n")
	}
	return fmt.Errorf("%w: no verified backup of the database %s that is younger than %s is in %s; %s\nRun: authd backup create --dir %s",
		ErrNoBackup, this.Database, age, dir, text, dir)
}

// escaped makes dir no pattern.
func escaped(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

func unfit(dump string, this facts, age time.Duration, now time.Time) string {
	m, err := ReadManifest(dump)
	if err != nil {
		return strings.TrimPrefix(err.Error(), dump+" ")
	}
	switch {
	case m.Database != this.Database || m.SystemIdentifier != this.SystemIdentifier:
		return fmt.Sprintf("it is of the database %s of another server or name (%s), not of this one", m.Database, m.SystemIdentifier)
	case m.VerifiedAt == nil:
		return "it was never verified: authd backup verify " + dump
	case m.age(now) >= age:
		return fmt.Sprintf("it is %s old", m.age(now))
	case m.age(now) < -clockSkew:
		return fmt.Sprintf("it is of %s, which is still to come", m.CreatedAt.Format(time.RFC3339))
	}
	if err := m.checkDump(dump); err != nil {
		return strings.TrimPrefix(err.Error(), dump+" ")
	}
	return ""
}
