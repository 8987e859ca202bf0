package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"auth-v2-service/internal/app"
	"auth-v2-service/internal/config"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/fbsync"
	"auth-v2-service/internal/pg"
)

type usersReconcileCommand struct {
	DryRun  bool `help:"Count what differs, and change nothing."`
	MaxGone int  `help:"Believe that up to N accounts are gone; without it fewer than 10, or 0.5 % of the rows." placeholder:"N"`
	JSON    bool `help:"Print the report as JSON."`
}

func (usersReconcileCommand) Help() string {
	return `It needs the whole configuration of authd serve, for it asks Firebase. Rows are brought in step with their accounts, accounts
that do not follow their rows are owed to Firebase as jobs of the running instances, rows whose accounts are gone are disabled, and
registrations that came to nothing are cleared. It refuses a list that was cut short, another project than the database remembers, and
to believe that very many accounts are gone. Exit codes: 0 it went through, 1 it was refused, 2 it could not be said.

Examples:
  authd users reconcile --dry-run     what it would do
  authd users reconcile --max-gone 40 do it, and disable the rows of up to 40 accounts that are gone
  authd users reconcile --json        do it, and count for programs`
}

func (c usersReconcileCommand) Run() error {
	if c.MaxGone < 0 {
		return failure{errors.New("--max-gone: a number from 1 on"), couldNotSay}
	}
	configured, err := config.Load(environment())
	if err != nil {
		return failure{err, couldNotSay}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	report, err := app.Reconcile(ctx, configured, app.Options{Logger: progress(), Version: version()}, fbsync.RunOptions{
		Actor: "cli:" + osUser(), DryRun: c.DryRun, MaxGone: c.MaxGone,
	})
	if report.Took > 0 {
		if err := c.print(report); err != nil {
			return failure{err, couldNotSay}
		}
	}
	switch {
	case err == nil:
		return nil
	case pg.Outage(err), fault.CodeOf(err) == fault.DependencyUnavailable, fault.CodeOf(err) == fault.RateLimited, errors.Is(err, context.Canceled):
		return failure{err, couldNotSay}
	}
	return failure{err, differs}
}

func (c usersReconcileCommand) print(report fbsync.Report) error {
	if c.JSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(report)
	}
	for _, line := range []struct {
		name  string
		count int
	}{
		{"listed at Firebase", report.Listed},
		{"without a row yet", report.WithoutRow},
		{"owed to Firebase", report.Owed},
		{"rows updated", report.Updated},
		{"rows that cannot follow", report.Failed},
		{"gone, and disabled", report.Gone},
		{"not listed, yet there", report.FoundByLookUp},
		{"registrations cleared", report.Cleared},
	} {
		fmt.Printf("%-25s%d\n", line.name, line.count)
	}
	fmt.Printf("%-25s%s\n", "took", report.Took.Round(time.Millisecond))
	if report.DryRun {
		fmt.Println("Nothing was changed: this was a dry run.")
	}
	return nil
}
