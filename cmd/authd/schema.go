package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"auth-v2-service/internal/config"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/schema"
)

const schemaHelp = `Change the database's schema, and say whether it is what the migrations produce.

DATABASE_OWNER_URL (or DATABASE_DIRECT_URL, or DATABASE_URL) says where, as the role that owns the schema. Exit codes: 0 all is
well, 1 it differs, is pending or was refused, 2 it could not be said (no connection, wrong configuration).

Examples:
  authd schema status                   which migrations are applied
  authd schema migrate --dry-run        what migrate would do
  authd schema validate --json          every difference, for programs
  authd schema rollback --to 009        take down all above 009
  authd schema adopt --dry-run          what stands in the way of taking over a legacy table
  authd schema new add_locale           begin a migration`

type schemaCommands struct {
	Status   statusCommand   `cmd:"" help:"List the migrations, applied and pending. Exit code 1 while the service could not start on it."`
	Migrate  migrateCommand  `cmd:"" help:"Apply what is pending. Safe to run on many machines at once."`
	Validate validateCommand `cmd:"" help:"Compare the live schema with what the migrations produce. Exit code 1 on any difference."`
	Rollback rollbackCommand `cmd:"" help:"Take the newest migration down, or all above --to. A step that would lose data refuses."`
	Adopt    adoptCommand    `cmd:"" help:"Take over a live table of the legacy service in place: report, alter, migrate, validate."`
	New      newCommand      `cmd:"" help:"Begin a migration: the next number, with both sections to fill in."`
}

func (schemaCommands) Help() string { return schemaHelp }

// failure has the exit code for scripts.
type failure struct {
	error
	code int
}

func (f failure) ExitCode() int { return f.code }

func (f failure) Unwrap() error { return f.error }

const (
	differs     = 1
	couldNotSay = 2
)

// judged gives a server's refusal code 1, and no answer 2.
func judged(err error) error {
	var known failure
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled), schema.Forbidden(err):
		return failure{err, couldNotSay}
	case pg.Outage(err):
		const next = "The database could not be asked: is DATABASE_OWNER_URL (or DATABASE_DIRECT_URL, or DATABASE_URL) right, and the server up?"
		return failure{fmt.Errorf("%w\n%s", err, next), couldNotSay}
	}
	return failure{err, differs}
}

// onDatabase runs work on the configured database. A second Ctrl-C ends it at once.
func onDatabase(env map[string]string, work func(context.Context, config.Config) error) error {
	c, err := config.LoadDatabase(env)
	if err != nil {
		return failure{err, couldNotSay}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return judged(work(ctx, c))
}

func onSchema(work func(context.Context, schema.Options) error) error {
	return onDatabase(environment(), func(ctx context.Context, c config.Config) error {
		return work(ctx, schema.Options{DatabaseURL: c.DatabaseOwnerURL, Logger: progress(), MaxHashCost: c.BcryptMaxCost})
	})
}

// progress logs to stderr without the time.
func progress() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
			return slog.Attr{}
		}
		return a
	}}))
}

func report(ctx context.Context, o schema.Options) (schema.Report, error) {
	pool, err := pg.Open(ctx, pg.Options{URL: o.DatabaseURL, Pooled: true}) // reading works through a pooler
	if err != nil {
		return schema.Report{}, failure{err, couldNotSay}
	}
	defer pool.Close()
	return schema.Validate(ctx, pool)
}

type statusCommand struct{}

func (c statusCommand) Run() error {
	return onSchema(c.list)
}

func (statusCommand) list(ctx context.Context, o schema.Options) error {
	found, err := report(ctx, o)
	if err != nil {
		return err
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
	if !found.Serves() {
		return failure{errors.New(found.Summary()), differs}
	}
	fmt.Println(found.Summary())
	return nil
}

type validateCommand struct {
	JSON bool `help:"Print the whole report as JSON."`
}

func (c validateCommand) Run() error {
	return onSchema(c.compare)
}

func (c validateCommand) compare(ctx context.Context, o schema.Options) error {
	found, err := report(ctx, o)
	if err != nil {
		return err
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

func (c rollbackCommand) Run() error {
	if err := expectVersion(c.To); err != nil {
		return err
	}
	return onSchema(c.rollBack)
}

func (c rollbackCommand) rollBack(ctx context.Context, o schema.Options) error {
	o.Patience = c.Patience
	down, err := schema.Rollback(ctx, o, c.To)
	for _, file := range down {
		fmt.Println("rolled back", file)
	}
	if err != nil {
		return err
	}
	kept, err := schema.Archived(ctx, o)
	switch {
	case err != nil:
		return err
	case kept == "":
		fmt.Println("These steps took no data out: auth.federation_archive is empty.")
	default:
		fmt.Printf("What went is kept in auth.federation_archive (rows: %s); `authd schema migrate` puts it back.\n", kept)
	}
	return nil
}

type newCommand struct {
	Name string `arg:"" help:"What it does, in lower case with underscores: add_locale."`
	Dir  string `help:"The folder of migrations." default:"db/migrations" type:"existingdir"`
}

func (c newCommand) Run() error {
	path, err := schema.New(c.Dir, c.Name)
	if err != nil {
		return failure{err, couldNotSay}
	}
	fmt.Printf("%s\nFill in both sections, then run make generate: it compiles, or shows what the change breaks.\n", path)
	return nil
}
