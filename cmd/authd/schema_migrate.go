package main

import (
	"context"
	"fmt"
	"time"

	"auth-v2-service/internal/backup"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/schema"
)

type safeguard struct {
	RequireBackupYoungerThan time.Duration `help:"Go on only when a verified backup of this database is younger, such as 24h (authd backup create makes one)."`
	BackupDir                string        `help:"Where backups are." default:"backups" type:"path"`
}

// hold returns why nothing may change yet.
func (s safeguard) hold(ctx context.Context, o schema.Options) error {
	if s.RequireBackupYoungerThan == 0 {
		return nil
	}
	conn, err := pg.Connect(ctx, pg.SessionOptions{URL: o.DatabaseURL, Name: "authd schema"})
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	return backup.RequireYounger(ctx, s.BackupDir, conn, s.RequireBackupYoungerThan, time.Now())
}

type migrateCommand struct {
	safeguard
	DryRun   bool          `help:"Say what would be applied, and change nothing."`
	To       string        `help:"The last version to apply, such as 009. Default: all."`
	Patience time.Duration `help:"How long a step tries to get a lock that others hold." default:"1m"`
}

func (c migrateCommand) Run() error {
	if err := expectVersion(c.To); err != nil {
		return err
	}
	return onSchema(c.migrate)
}

// expectVersion accepts "".
func expectVersion(version string) error {
	if version != "" && !schema.Knows(version) {
		return failure{fmt.Errorf("there is no migration %s; `authd schema status` lists them", version), couldNotSay}
	}
	return nil
}

func (c migrateCommand) migrate(ctx context.Context, o schema.Options) error {
	if c.DryRun {
		return c.rehearse(ctx, o)
	}
	if err := c.hold(ctx, o); err != nil {
		return err
	}
	o.To, o.Patience = c.To, c.Patience
	if err := schema.Migrate(ctx, o); err != nil {
		return err
	}
	found, err := report(ctx, o)
	if err != nil {
		return err
	}
	fmt.Println(found.Summary())
	kept, err := schema.Archived(ctx, o)
	if err == nil && kept != "" && found.Serves() {
		fmt.Printf("auth.federation_archive still keeps what no step up has put back (rows: %s).\n", kept)
	}
	return err
}

func (c migrateCommand) rehearse(ctx context.Context, o schema.Options) error {
	found, err := report(ctx, o)
	if err != nil {
		return err
	}
	pending := 0
	for _, file := range schema.Files() {
		if found.IsPending(file) && (c.To == "" || schema.Version(file) <= c.To) {
			fmt.Println("would apply", file)
			pending++
		}
	}
	if pending == 0 {
		fmt.Println("nothing is pending")
		return nil
	}
	return failure{fmt.Errorf("%d migrations are pending: run it without --dry-run to apply them", pending), differs}
}
