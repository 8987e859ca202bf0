package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"auth-v2-service/internal/app"
	"auth-v2-service/internal/bulk"
	"auth-v2-service/internal/config"
)

type selection struct {
	Percent *float64 `help:"This share of the users: the rollout's buckets." placeholder:"N" xor:"selection"`
	Cohort  bool     `help:"The users that the rollout moves at their sign-in." xor:"selection"`
	IDs     string   `help:"The users of this file, an id a line." name:"ids" placeholder:"FILE" xor:"selection"`
}

func (s selection) plan() (bulk.Plan, error) {
	switch {
	case s.Percent != nil:
		buckets, err := bulk.BucketsOf(*s.Percent)
		return bulk.Plan{Selection: bulk.Percent, Buckets: buckets}, err
	case s.Cohort:
		return bulk.Plan{Selection: bulk.Cohort}, nil
	case s.IDs != "":
		ids, err := readIDFile(s.IDs)
		return bulk.Plan{Selection: bulk.IDs, IDs: ids}, err
	}
	return bulk.Plan{Selection: bulk.All}, nil
}

func (s selection) flags() string {
	switch {
	case s.Percent != nil:
		return fmt.Sprintf(" --percent %v", *s.Percent)
	case s.Cohort:
		return " --cohort"
	case s.IDs != "":
		return " --ids " + s.IDs
	}
	return ""
}

func readIDFile(name string) (ids []uuid.UUID, err error) {
	file, err := os.Open(name) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("--ids: %w", err)
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		id, err := uuid.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("--ids: line %d of %s is not an id", number, name)
		}
		ids = append(ids, id)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("--ids: %w", err)
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("--ids: %s holds no id", name)
	}
	return ids, nil
}

func onRuns(work func(ctx context.Context, c config.Config, runs *bulk.Service) error) error {
	configured, err := config.Load(environment())
	if err != nil {
		return failure{err, couldNotSay}
	}
	err = app.OnRuns(context.Background(), configured, app.Options{Logger: progress(), Version: version()},
		func(ctx context.Context, runs *bulk.Service) error { return work(ctx, configured, runs) })
	var known failure
	if err == nil || errors.As(err, &known) {
		return err
	}
	return failure{spelled(err), couldNotSay}
}

type usersPreflightCommand struct {
	selection
	Rate int  `help:"Estimate the time at this number of users a second." default:"1000"`
	JSON bool `help:"Print it as JSON."`
}

func (usersPreflightCommand) Help() string {
	return `It needs the whole configuration of authd serve. authd doctor examines the Firebase project. Exit codes: 0 all selected users can
move, 1 some cannot, 2 the move would be refused.

Examples:
  authd users preflight                 all users
  authd users preflight --percent 10    the users of authd users move --percent 10`
}

func (c usersPreflightCommand) Run() error {
	plan, err := c.plan()
	if err != nil {
		return failure{spelled(err), couldNotSay}
	}
	if c.Rate < 1 {
		return failure{errors.New("--rate: a number from 1 on"), couldNotSay}
	}
	return onRuns(func(ctx context.Context, configured config.Config, runs *bulk.Service) error {
		preview, err := runs.Preview(ctx, plan)
		if err != nil {
			return err
		}
		took := time.Duration(float64(preview.Movable) / float64(c.Rate) * float64(time.Second)).Round(time.Second)
		if c.JSON {
			err = printJSON(map[string]any{
				"project": runs.Target.Project, "tenant": runs.Target.Tenant, "movable": preview.Movable, "stuck": preview.Stuck, "named": preview.Named,
				"seconds": took.Seconds(), "traffic": preview.Rollout.TrafficPercent(),
			})
		} else {
			printTarget(os.Stdout, configured, runs, plan, preview)
			fmt.Printf("%-12s%s at %d users a second\n", "takes", took, c.Rate)
			for _, code := range slices.Sorted(maps.Keys(preview.Stuck)) {
				fmt.Printf("%-12s%d users: %s, such as %s\n", "cannot move", preview.Stuck[code], code, idList(preview.Named[code]))
			}
		}
		if err != nil {
			return err
		}
		if err := runs.Allowed(ctx, plan); err != nil {
			return err
		}
		if len(preview.Stuck) > 0 {
			return failure{errors.New("some users cannot move. Next: correct them, or let the run count them: authd users move" + c.flags()), differs}
		}
		fmt.Fprintln(os.Stderr, "Next: authd users move"+c.flags())
		return nil
	})
}

func printTarget(to io.Writer, c config.Config, runs *bulk.Service, plan bulk.Plan, preview bulk.Preview) {
	fmt.Fprintf(to, "%-12s%s\n", "project", runs.Target)
	fmt.Fprintf(to, "%-12s%s\n", "database", databaseName(c))
	fmt.Fprintf(to, "%-12s%d can move, of %s\n", "users", preview.Movable, plan.Users())
}

// databaseName shows no password.
func databaseName(c config.Config) string {
	database, err := pgconn.ParseConfig(c.DatabaseURL)
	if err != nil {
		return "-"
	}
	return fmt.Sprintf("%s/%s", net.JoinHostPort(database.Host, strconv.Itoa(int(database.Port))), database.Database)
}

type usersMoveCommand struct {
	selection
	Rate      int  `help:"Users a second at most. Without it, as many as Firebase takes."`
	Parallel  int  `help:"Batches at once." default:"4"`
	MaxErrors int  `help:"Pause when more of the last 1,000 users fail." default:"10"`
	DryRun    bool `help:"Count the users, and change nothing."`
	Yes       bool `help:"Do not ask."`
	JSON      bool `help:"Print a JSON line a batch also on a terminal."`
}

func (usersMoveCommand) Help() string {
	return `It needs the whole configuration of authd serve. It goes on with the unfinished run of the same target and selection, at that run's own
--rate, --parallel and --max-errors. Passwords go along as hashes and open the accounts at Firebase; sessions stay. SIGINT and SIGTERM pause
the run between batches; a second one ends the program at once. When the terminal is lost, the running instances go on. Exit codes: 0 done,
1 some users failed or the run has paused, 2 refused and nothing was written, 130 interrupted.

Examples:
  authd users move --percent 10 --dry-run     how many users that is
  authd users move --percent 10               move them
  authd users move --ids FILE --yes           move the users of a file
  authd users move --rate 200 --parallel 2    move all users, gently`
}

func (c usersMoveCommand) Run() error {
	plan, err := c.plan()
	if err != nil {
		return failure{spelled(err), couldNotSay}
	}
	if c.Parallel < 1 || c.MaxErrors < 1 || c.Rate < 0 {
		return failure{errors.New("--rate, --parallel and --max-errors: numbers from 1 on"), couldNotSay}
	}
	plan.Rate, plan.Parallel, plan.MaxErrors = c.Rate, c.Parallel, c.MaxErrors
	return onRuns(func(ctx context.Context, configured config.Config, runs *bulk.Service) error {
		if err := runs.Allowed(ctx, plan); err != nil {
			return err
		}
		preview, err := runs.Preview(ctx, plan)
		if err != nil {
			return err
		}
		printTarget(os.Stderr, configured, runs, plan, preview)
		if c.DryRun {
			fmt.Fprintln(os.Stderr, "Nothing was changed: this was a dry run. Next: authd users move"+c.flags())
			return nil
		}
		if !c.Yes && !confirmed("Move them") {
			return failure{errors.New("nothing was changed: answer y, or give --yes"), couldNotSay}
		}
		return carriedRun{"move" + c.flags(), c.JSON}.start(ctx, runs, plan, preview.Movable)
	})
}
