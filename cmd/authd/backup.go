package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"strings"
	"time"

	"auth-v2-service/internal/backup"
	"auth-v2-service/internal/config"
	"auth-v2-service/internal/principal"
)

const backupHelp = `Back the database up, prove that a backup can be restored, and restore it.

DATABASE_OWNER_URL (or DATABASE_DIRECT_URL, or DATABASE_URL) says where, as the owner. A backup is a dump (pg_dump's custom format)
and a manifest beside it. Verified means: restored into a scratch database on the same server (or BACKUP_VERIFY_URL's), every table
and the schema found equal. Other roles' code (checks, functions, triggers) is not run on the same server: name a server of its own
for such a backup. Needs pg_dump, pg_restore and psql of the server's version or later. Exit codes: 0 all is well, 1 the backup is
wrong or the database was refused, 2 it could not be said (no connection, no pg_dump, another role's code in the backup).

Examples:
  authd backup create                                  the schema auth, with its rows, into backups/, verified
  authd backup create --whole-database                 all that is in the database, other services' tables too
  authd backup verify backups/atma_db-2026....dump     prove it again
  authd backup restore FILE --into RESTORE_URL         into the database whose URL the variable RESTORE_URL holds
  authd backup restore FILE --replace                  over the people in DATABASE_URL (and all rows that a whole backup holds)`

type backupCommands struct {
	Create  backupCreateCommand  `cmd:"" help:"Back up and verify."`
	Verify  backupVerifyCommand  `cmd:"" help:"Restore a backup into a scratch database and compare everything."`
	Restore backupRestoreCommand `cmd:"" help:"Write a backup into a database, in one transaction."`
}

func (backupCommands) Help() string { return backupHelp }

type backupCreateCommand struct {
	Dir           string `help:"Folder of the backups." default:"backups" type:"path"`
	WholeDatabase bool   `help:"All schemas of the database, not only auth."`
	Verify        bool   `help:"Restore it beside and compare." default:"true" negatable:""`
}

func (c *backupCreateCommand) Run() error {
	return withBackups(environment(), func(ctx context.Context, o backup.Options) error {
		began := time.Now()
		path, m, err := backup.Create(ctx, o, c.Dir, !c.WholeDatabase)
		if err != nil {
			return err
		}
		fmt.Println(path)
		say("Backed up %d tables, %d rows, %s in %s", len(m.Tables), rows(m), size(m.Size), since(began))
		if !c.Verify {
			say("It is not verified: authd backup verify %s", path)
			return nil
		}
		return verifyBackup(ctx, o, path)
	})
}

type backupVerifyCommand struct {
	File string `arg:"" help:"The dump; its manifest is beside it." type:"path"`
}

func (c *backupVerifyCommand) Run() error {
	return withBackups(environment(), func(ctx context.Context, o backup.Options) error { return verifyBackup(ctx, o, c.File) })
}

func verifyBackup(ctx context.Context, o backup.Options, path string) error {
	began := time.Now()
	m, err := backup.Verify(ctx, o, path)
	if err != nil {
		return fmt.Errorf("the backup is not verified: %w", err)
	}
	grants := "owners and grants too"
	if !m.GrantsVerified {
		grants = "without owners and grants"
	}
	say("Verified in %s: %d tables and %d rows restored beside are equal, and the schema (%s)", since(began), len(m.Tables), rows(m), grants)
	return nil
}

type backupRestoreCommand struct {
	File    string `arg:"" help:"The dump; its manifest is beside it." type:"path"`
	Into    string `help:"Name of the environment variable with the URL of the database to write." default:"DATABASE_URL" placeholder:"VARIABLE"`
	Replace bool   `help:"Write over people, and over rows of other services where the backup is of the whole database."`
}

func (c *backupRestoreCommand) Run() error {
	env, err := c.aimed(environment())
	if err != nil {
		return failure{err, couldNotSay}
	}
	return withBackups(env, func(ctx context.Context, o backup.Options) error {
		began := time.Now()
		m, err := backup.Restore(ctx, o, c.File, c.Replace)
		if err != nil {
			return err
		}
		say("Restored in %s: %d tables and %d rows, of %s, equal to the manifest. A running service remembers people for up to %g s more",
			since(began), len(m.Tables), rows(m), m.CreatedAt.Format(time.RFC3339), principal.MaxFactsAge.Seconds())
		return nil
	})
}

// aimed takes the database's URL from the named variable: arguments would show its password to every user of the machine.
func (c *backupRestoreCommand) aimed(env map[string]string) (map[string]string, error) {
	if c.Into == "DATABASE_URL" {
		return env, nil
	}
	if strings.Contains(c.Into, "://") {
		return nil, errors.New("--into takes the name of an environment variable, such as RESTORE_URL: arguments can be read by everybody on this machine")
	}
	address := env[c.Into]
	if u, err := url.Parse(address); err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || u.Host == "" {
		return nil, fmt.Errorf("the variable %s must hold a URL that begins with postgres://", c.Into)
	}
	out := maps.Clone(env)
	out["DATABASE_URL"], out["DATABASE_DIRECT_URL"], out["DATABASE_OWNER_URL"] = address, address, address
	return out, nil
}

func withBackups(env map[string]string, work func(context.Context, backup.Options) error) error {
	return onDatabase(env, func(ctx context.Context, c config.Config) error {
		err := work(ctx, backup.Options{URL: c.DatabaseOwnerURL, VerifyURL: c.BackupVerifyURL, Environment: env, Logger: progress()})
		switch {
		case err == nil:
			return nil
		case backup.Told(err):
			return failure{err, differs}
		}
		return failure{err, couldNotSay}
	})
}

func say(text string, args ...any) { fmt.Fprintf(os.Stderr, text+"\n", args...) }

func since(began time.Time) string { return time.Since(began).Round(10 * time.Millisecond).String() }

func size(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

func rows(m backup.Manifest) (sum int64) {
	for _, table := range m.Tables {
		sum += table.Rows
	}
	return sum
}
