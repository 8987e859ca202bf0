package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/bulk"
	"auth-v2-service/internal/config"
	"auth-v2-service/internal/operator"
	"auth-v2-service/internal/sleep"
)

type usersRunsCommand struct {
	ID     string `arg:"" optional:"" help:"The run to show."`
	Follow bool   `help:"Show it each second until it is not running."`
	JSON   bool   `help:"Print it as JSON."`
}

const listedRuns = 50

func (c usersRunsCommand) Run() error {
	return onRuns(func(ctx context.Context, _ config.Config, runs *bulk.Service) error {
		if c.ID == "" {
			return c.list(ctx, runs)
		}
		id, err := runID(c.ID)
		if err != nil {
			return err
		}
		for {
			run, err := runs.Read(ctx, id)
			if err != nil {
				return err
			}
			if err := c.print(run); err != nil {
				return err
			}
			if !c.Follow || run.State != bulk.Running {
				return nil
			}
			if err := sleep.Context(ctx, time.Second); err != nil {
				return err
			}
		}
	})
}

func runID(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil {
		return uuid.Nil, failure{fmt.Errorf("%q is not the id of a run", text), couldNotSay}
	}
	return id, nil
}

func (c usersRunsCommand) list(ctx context.Context, runs *bulk.Service) error {
	found, _, err := runs.List(ctx, "", listedRuns)
	if err != nil {
		return err
	}
	if c.JSON {
		out := make([]map[string]any, len(found))
		for i, run := range found {
			out[i] = runJSON(run)
		}
		return printJSON(out)
	}
	for _, run := range found {
		fmt.Printf("%s  %s  %-8s%-8s%d %s, %d skipped, %d failed, of %s\n",
			run.ID, run.StartedAt.Format(time.RFC3339), run.Kind, run.State, run.Moved, movedWord(run), run.Skipped, run.Failed, run.Users())
	}
	return nil
}

func movedWord(run bulk.Run) string {
	return map[string]string{bulk.KindMove: "moved", bulk.KindReturn: "returned"}[run.Kind]
}

func (c usersRunsCommand) print(run bulk.Run) error {
	if c.JSON {
		return printJSON(runJSON(run))
	}
	for _, line := range []struct{ name, value string }{
		{"run", run.ID.String()},
		{"kind", run.Kind},
		{"state", run.State},
		{"reason", dash(run.Reason)},
		{"project", run.Target.String()},
		{"users", run.Users()},
		{movedWord(run), fmt.Sprint(run.Moved)},
		{"skipped", fmt.Sprint(run.Skipped)},
		{"pending", fmt.Sprint(run.Pending)},
		{"failed", fmt.Sprint(run.Failed)},
		{"by code", dash(codesOf(run))},
		{"slowed to", dash(map[bool]string{true: fmt.Sprintf("%.0f users a second", run.Pace)}[run.Pace > 0])},
		{"canary", canaryLine(run)},
		{"carried", map[bool]string{true: "yes", false: "no"}[run.Carried]},
		{"started", run.StartedAt.Format(time.RFC3339) + " by " + run.StartedBy},
		{"ended", dash(map[bool]string{true: run.EndedAt.Format(time.RFC3339)}[!run.EndedAt.IsZero()])},
	} {
		fmt.Printf("%-12s%s\n", line.name, line.value)
	}
	return nil
}

func canaryLine(run bulk.Run) string {
	switch {
	case run.CanaryAt.IsZero():
		return "-"
	case run.CanaryFailure != "":
		return run.CanaryFailure + " at " + run.CanaryAt.Format(time.RFC3339)
	}
	return "signed in at " + run.CanaryAt.Format(time.RFC3339)
}

func runJSON(run bulk.Run) map[string]any {
	orNull := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	return map[string]any{
		"id": run.ID, "kind": run.Kind, "state": run.State, "reason": run.Reason, "project": run.Target.Project, "tenant": run.Target.Tenant,
		"selection": run.Selection, "percent": float64(run.Buckets) / 100, "rate": run.Rate, "parallel": run.Parallel, "max_errors": run.MaxErrors,
		"started_by": run.StartedBy, "started_at": run.StartedAt, "ended_at": orNull(run.EndedAt), "moved": run.Moved, "skipped": run.Skipped,
		"failed": run.Failed, "pending": run.Pending, "codes": run.Codes, "slowed_to": run.Pace, "canary_at": orNull(run.CanaryAt),
		"canary_failure": run.CanaryFailure, "carried": run.Carried,
	}
}

type runArgument struct {
	ID   string `arg:"" help:"The run."`
	JSON bool   `help:"Print the run as JSON."`
}

func (a runArgument) apply(next string, act func(context.Context, *bulk.Service, uuid.UUID, operator.Operator) (bulk.Run, error)) error {
	return onRuns(func(ctx context.Context, _ config.Config, runs *bulk.Service) error {
		id, err := runID(a.ID)
		if err != nil {
			return err
		}
		run, err := act(ctx, runs, id, operator.Operator{Actor: "cli:" + osUser()})
		if err != nil {
			return err
		}
		if a.JSON {
			return printJSON(runJSON(run))
		}
		fmt.Printf("%s is %s: %d %s, %d skipped, %d failed.\n", run.ID, run.State, run.Moved, movedWord(run), run.Skipped, run.Failed)
		fmt.Fprintf(os.Stderr, "Next: authd users %s %s\n", next, run.ID)
		return nil
	})
}

type usersPauseCommand struct{ runArgument }

func (c usersPauseCommand) Run() error {
	return c.apply("resume", func(ctx context.Context, runs *bulk.Service, id uuid.UUID, by operator.Operator) (bulk.Run, error) {
		return runs.Pause(ctx, id, by, bulk.ReasonOperator)
	})
}

type usersResumeCommand struct{ runArgument }

func (c usersResumeCommand) Run() error {
	return c.apply("runs --follow", func(ctx context.Context, runs *bulk.Service, id uuid.UUID, by operator.Operator) (bulk.Run, error) {
		return runs.Resume(ctx, id, by)
	})
}

type usersStopCommand struct{ runArgument }

func (c usersStopCommand) Run() error {
	return c.apply("runs", func(ctx context.Context, runs *bulk.Service, id uuid.UUID, by operator.Operator) (bulk.Run, error) {
		return runs.Stop(ctx, id, by)
	})
}

type usersRetryCommand struct{ runArgument }

func (c usersRetryCommand) Run() error {
	return c.apply("runs --follow", func(ctx context.Context, runs *bulk.Service, id uuid.UUID, by operator.Operator) (bulk.Run, error) {
		return runs.Retry(ctx, id, by)
	})
}
