package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"auth-v2-service/internal/bulk"
	"auth-v2-service/internal/config"
	"auth-v2-service/internal/rollback"
)

type usersReturnCommand struct {
	selection
	OfRun     string `help:"The users that this run moved." name:"run" placeholder:"ID" xor:"selection"`
	Rate      int    `help:"Users a second at most. Without it, as many as Firebase shows."`
	MaxErrors int    `help:"Pause when more of the last 1,000 users fail." default:"10"`
	DryRun    bool   `help:"Count the users, and change nothing."`
	Yes       bool   `help:"Do not ask."`
	JSON      bool   `help:"Print the preview as JSON, and a JSON line a page also on a terminal."`
}

func (usersReturnCommand) Help() string {
	return `It needs the whole configuration of authd serve, and the permission firebaseauth.configs.getHashConfig. A preview comes first: it creates
an account at Firebase, checks its hash and deletes it. Users sign in here again, with the password that they have at Firebase today; their
accounts and sessions there stay. Users that only Firebase can sign in stay there: a second factor, no password, or a hash of unknown
parameters. New users still go to Firebase unless authd rollout set --new-users local comes before. It goes on with the unfinished run of the
same target and selection; SIGINT and SIGTERM pause it between pages. Exit codes: 0 done, 1 some users failed or the run has paused, 2 refused
and nothing was written, 130 interrupted.

Examples:
  authd users return --dry-run        which users can come back, and which stay
  authd users return --run ID         take one run back
  authd users return --percent 10     the rollout's first tenth
  authd users return --yes            all users, without a question`
}

func (c usersReturnCommand) plan(ctx context.Context, runs *bulk.Service) (bulk.Plan, error) {
	plan, err := c.selection.plan()
	if err != nil {
		return plan, failure{spelled(err), couldNotSay}
	}
	if c.MaxErrors < 1 || c.Rate < 0 {
		return plan, failure{errors.New("--rate and --max-errors: numbers from 1 on"), couldNotSay}
	}
	if c.OfRun != "" {
		id, err := runID(c.OfRun)
		if err != nil {
			return plan, err
		}
		plan.Selection = bulk.IDs
		if plan.IDs, err = runs.MovedBy(ctx, id); err != nil {
			return plan, err
		}
		if len(plan.IDs) == 0 {
			return plan, failure{fmt.Errorf("run %s has moved no user", id), couldNotSay}
		}
	}
	plan.Kind, plan.Rate, plan.MaxErrors = bulk.KindReturn, c.Rate, c.MaxErrors
	return plan, nil
}

func (c usersReturnCommand) flags() string {
	if c.OfRun != "" {
		return " --run " + c.OfRun
	}
	return c.selection.flags()
}

func (c usersReturnCommand) Run() error {
	return onRuns(func(ctx context.Context, configured config.Config, runs *bulk.Service) error {
		plan, err := c.plan(ctx, runs)
		if err != nil {
			return err
		}
		if err := runs.Allowed(ctx, plan); err != nil {
			return err
		}
		preview, err := runs.PreviewReturn(ctx, plan)
		if err != nil {
			return returnRefused(err)
		}
		if err := c.print(configured, runs, plan, preview); err != nil {
			return err
		}
		if c.DryRun {
			fmt.Fprintln(os.Stderr, "Nothing was changed: this was a dry run. Next: authd users return"+c.flags())
			return nil
		}
		if !c.Yes && !confirmed("Bring them back") {
			return failure{errors.New("nothing was changed: answer y, or give --yes"), couldNotSay}
		}
		return carriedRun{"return" + c.flags(), c.JSON}.start(ctx, runs, plan, preview.Home)
	})
}

func returnRefused(err error) error {
	if errors.Is(err, rollback.ErrHashesHidden) {
		return fmt.Errorf("%w\nNothing was changed. Next: grant the service account firebaseauth.configs.getHashConfig, then authd doctor", err)
	}
	return err
}

func (c usersReturnCommand) print(configured config.Config, runs *bulk.Service, plan bulk.Plan, p rollback.Preview) error {
	if c.JSON {
		return printJSON(map[string]any{
			"project": runs.Target.Project, "tenant": runs.Target.Tenant, "users": p.Users, "home": p.Home, "old_service": p.OldService,
			"staying": p.Staying, "failing": p.Failing, "named": p.Named, "signed_in": p.SignedIn, "passwords_changed": p.PasswordsChanged,
			"linked": p.Linked, "address_changed": p.AddressChanged, "created_there": p.CreatedThere,
		})
	}
	printReturn(os.Stderr, configured, runs, plan, p)
	return nil
}

func printReturn(to io.Writer, c config.Config, runs *bulk.Service, plan bulk.Plan, p rollback.Preview) {
	line := func(name, format string, values ...any) {
		fmt.Fprintf(to, "%-12s"+format+"\n", append([]any{name}, values...)...)
	}
	line("project", "%s", runs.Target)
	line("database", "%s", databaseName(c))
	line("users", "%d can come back, of %d at Firebase, of %s", p.Home, p.Users, plan.Users())
	line("old service", "%d of them (%.1f %%) it can sign in by itself: it knows no hash of Firebase's", p.OldService, share(p.OldService, p.Home))
	line("since", "%d signed in at Firebase, %d changed their password there, %d linked a provider, %d changed their address, %d were created there",
		p.SignedIn, p.PasswordsChanged, p.Linked, p.AddressChanged, p.CreatedThere)
	printCodes := func(name string, codes map[string]int64) {
		for _, code := range slices.Sorted(maps.Keys(codes)) {
			line(name, "%d users: %s, such as %s", codes[code], code, idList(p.Named[code]))
		}
	}
	printCodes("stay there", p.Staying)
	printCodes("fail now", p.Failing)
}

func share(part, whole int64) float64 { return 100 * float64(part) / float64(max(1, whole)) }
