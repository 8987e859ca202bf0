package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/backup"
	"auth-v2-service/internal/config"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/schema"
)

const schemaHelp = `Change the database's schema, and say whether it is what the migrations produce.

DATABASE_DIRECT_URL (or DATABASE_URL) says where. Exit codes: 0 all is well, 1 it differs, is pending or was refused, 2 it could
not be said (no connection, wrong configuration).

Examples:
  authd schema status                   which migrations are applied
  authd schema migrate --dry-run        what migrate would do
  authd schema validate --json          every difference, for programs
  authd schema rollback --to 009        take down all above 009
  authd schema adopt --dry-run          what stands in the way of taking over a legacy table
  authd schema new add_locale           begin a migration`

// schemaCommands are "authd schema ...".
type schemaCommands struct {
	Status   statusCommand   `cmd:"" help:"List the migrations, applied and pending. Exit code 1 while one is pending."`
	Migrate  migrateCommand  `cmd:"" help:"Apply what is pending. Safe to run on many machines at once."`
	Validate validateCommand `cmd:"" help:"Compare the live schema with what the migrations produce. Exit code 1 on any difference."`
	Rollback rollbackCommand `cmd:"" help:"Take the newest migration down, or all above --to. A step that would lose data refuses."`
	Adopt    adoptCommand    `cmd:"" help:"Take over a live table of the legacy service in place: report, alter, migrate, validate."`
	New      newCommand      `cmd:"" help:"Begin a migration: the next number, with both sections to fill in."`
}

// Help is what "authd schema --help" shows.
func (schemaCommands) Help() string { return schemaHelp }

// failure is an error with the exit code that scripts see.
type failure struct {
	error
	code int
}

// ExitCode implements kong.ExitCoder.
func (f failure) ExitCode() int { return f.code }

// Unwrap gives the error itself.
func (f failure) Unwrap() error { return f.error }

const (
	differs     = 1
	couldNotSay = 2
)

// judged gives an error its exit code: what the server answered is 1, no answer is 2.
func judged(err error) error {
	var known failure
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case pg.Outage(err):
		return failure{fmt.Errorf("%w\nThe database could not be asked: is DATABASE_DIRECT_URL (or DATABASE_URL) right, and the server up?", err), couldNotSay}
	}
	return failure{err, differs}
}

// database is what the commands of a schema need: where it is, and an end when somebody presses Ctrl-C.
func database() (context.Context, schema.Options, context.CancelFunc, error) {
	c, err := config.LoadDatabase(environment())
	if err != nil {
		return nil, schema.Options{}, nil, failure{err, couldNotSay}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	return ctx, schema.Options{DatabaseURL: c.DatabaseDirectURL, Logger: progress()}, stop, nil
}

// progress is a logger for people: what happens, on stderr, without the time.
func progress() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
			return slog.Attr{}
		}
		return a
	}}))
}

// report validates the live schema over a pool of its own.
func report(ctx context.Context, o schema.Options) (schema.Report, error) {
	pool, err := pgxpool.New(ctx, o.DatabaseURL)
	if err != nil {
		return schema.Report{}, failure{err, couldNotSay}
	}
	defer pool.Close()
	return schema.Validate(ctx, pool)
}

type statusCommand struct{}

// Run lists the migrations.
func (statusCommand) Run() error {
	ctx, o, stop, err := database()
	if err != nil {
		return err
	}
	defer stop()
	found, err := report(ctx, o)
	if err != nil {
		return judged(err)
	}
	for _, file := range schema.Files() {
		mark := "applied"
		if found.IsPending(file) {
			mark = "pending"
		}
		fmt.Printf("%s  %s\n", mark, file)
	}
	for _, version := range found.Newer {
		fmt.Printf("newer    %s (of a later release)\n", version)
	}
	if len(found.Pending) > 0 {
		return failure{errors.New(found.Summary()), differs}
	}
	fmt.Println(found.Summary())
	return nil
}

// safeguard is what an operator may demand before anything changes.
type safeguard struct {
	RequireBackupYoungerThan time.Duration `help:"Go on only when a verified backup of this database is younger, such as 24h. Make one by: authd backup create."`
	BackupDir                string        `help:"Where backups are." default:"backups" type:"path"`
}

// hold says why nothing may change yet.
func (s safeguard) hold(ctx context.Context, o schema.Options) error {
	if s.RequireBackupYoungerThan == 0 {
		return nil
	}
	conn, err := pgx.Connect(ctx, o.DatabaseURL)
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

// Run migrates.
func (c migrateCommand) Run() error {
	ctx, o, stop, err := database()
	if err != nil {
		return err
	}
	defer stop()
	if c.DryRun {
		return c.rehearse(ctx, o)
	}
	if err := c.hold(ctx, o); err != nil {
		return judged(err)
	}
	o.To, o.Patience = c.To, c.Patience
	if err := schema.Migrate(ctx, o); err != nil {
		return judged(err)
	}
	found, err := report(ctx, o)
	if err != nil {
		return judged(err)
	}
	fmt.Println(found.Summary())
	return nil
}

func (c migrateCommand) rehearse(ctx context.Context, o schema.Options) error {
	found, err := report(ctx, o)
	if err != nil {
		return judged(err)
	}
	for _, file := range schema.Files() {
		if found.IsPending(file) && (c.To == "" || schema.Version(file) <= c.To) {
			fmt.Println("would apply", file)
		}
	}
	if len(found.Pending) == 0 {
		fmt.Println("nothing is pending")
		return nil
	}
	return failure{fmt.Errorf("%d migrations are pending: run it without --dry-run to apply them", len(found.Pending)), differs}
}

type validateCommand struct {
	JSON bool `help:"Print the whole report as JSON."`
}

// Run compares.
func (c validateCommand) Run() error {
	ctx, o, stop, err := database()
	if err != nil {
		return err
	}
	defer stop()
	found, err := report(ctx, o)
	if err != nil {
		return judged(err)
	}
	if err := c.print(found); err != nil {
		return failure{err, couldNotSay}
	}
	if found.State != schema.InStep {
		return failure{errors.New(found.Summary()), differs}
	}
	return nil
}

func (c validateCommand) print(found schema.Report) error {
	if c.JSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(found)
	}
	for _, difference := range found.Differences {
		fmt.Println(difference)
	}
	fmt.Println("state", found.State)
	fmt.Println("fingerprint", found.Fingerprint)
	return nil
}

type rollbackCommand struct {
	To       string        `help:"Take down all above this version, such as 009. Default: only the newest."`
	Patience time.Duration `help:"How long a step tries to get a lock that others hold." default:"1m"`
}

// Run rolls back.
func (c rollbackCommand) Run() error {
	ctx, o, stop, err := database()
	if err != nil {
		return err
	}
	defer stop()
	o.Patience = c.Patience
	down, err := schema.Rollback(ctx, o, c.To)
	for _, file := range down {
		fmt.Println("rolled back", file)
	}
	if err != nil {
		return judged(err)
	}
	fmt.Println("What went is kept in auth.federation_archive; `authd schema migrate` puts it back.")
	return nil
}

type adoptCommand struct {
	safeguard
	DryRun   bool          `help:"Report what would change and which rows stand in the way, and change nothing."`
	Patience time.Duration `help:"How long a step tries to get a lock that others hold." default:"1m"`
}

// Run adopts.
func (c adoptCommand) Run() error {
	ctx, o, stop, err := database()
	if err != nil {
		return err
	}
	defer stop()
	o.Patience = c.Patience
	adopt := schema.Adopt
	if c.DryRun {
		adopt = schema.Look
	} else if err := c.hold(ctx, o); err != nil {
		return judged(err)
	}
	survey, err := adopt(ctx, o)
	if err != nil {
		return judged(err)
	}
	printSurvey(survey, c.DryRun)
	switch {
	case len(survey.Obstacles) > 0:
		return failure{errors.New("nothing was changed: clear what stands in the way, then run it again"), differs}
	case c.DryRun:
		fmt.Println("Nothing stands in the way, and nothing was changed: run it without --dry-run.")
		return nil
	}
	return validateCommand{}.Run()
}

func printSurvey(s schema.Survey, dryRun bool) {
	fmt.Printf("auth.users holds %d people\n", s.People)
	did := "altered"
	if dryRun || len(s.Obstacles) > 0 {
		did = "would alter"
	}
	for _, alteration := range s.Alterations {
		fmt.Printf("%s: %s\n", did, alteration.What)
	}
	if len(s.Pending) > 0 {
		fmt.Printf("migrations: %s\n", strings.Join(s.Pending, ", "))
	}
	for _, own := range s.Own {
		fmt.Printf("your own, left alone: %s %s\n", own.Kind, own.Name)
	}
	printObstacles("worth knowing", s.Notes)
	printObstacles("in the way", s.Obstacles)
}

func printObstacles(head string, obstacles []schema.Obstacle) {
	for _, o := range obstacles {
		if o.Count == 0 {
			fmt.Printf("%s: %s (%s)\n", head, o.What, o.Hint)
			continue
		}
		fmt.Printf("%s: %d %s (%s)\n", head, o.Count, o.What, o.Hint)
		for _, id := range o.Rows {
			fmt.Println("  ", id)
		}
		if more := o.Count - len(o.Rows); more > 0 {
			fmt.Printf("   and %d more\n", more)
		}
	}
}

type newCommand struct {
	Name string `arg:"" help:"What it does, in lower case with underscores: add_locale."`
	Dir  string `help:"The folder of migrations." default:"db/migrations" type:"existingdir"`
}

// Run begins a migration.
func (c newCommand) Run() error {
	path, err := schema.New(c.Dir, c.Name)
	if err != nil {
		return failure{err, couldNotSay}
	}
	fmt.Printf("%s\nFill in both sections, then run make generate: it compiles, or shows what the change breaks.\n", path)
	return nil
}
