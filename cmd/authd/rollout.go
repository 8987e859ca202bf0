package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/app"
	"auth-v2-service/internal/config"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/rollout"
)

const rolloutHelp = `Show and change the rollout: what share of the users is moved to Firebase when they sign in, and what share of the
platform's traffic comes here.

DATABASE_DIRECT_URL (or DATABASE_URL) says where it is kept. A change is audited and counts on every instance at once. Raising
--users moves nobody out; lowering it brings nobody back who was moved. Exit codes: 0 all is well, 1 the change was refused, 2 it
could not be said (no connection, wrong configuration).

Examples:
  authd rollout show                            how it stands
  authd rollout show --json                     the same for programs
  authd rollout set --traffic 100               all traffic comes here: users may be moved
  authd rollout set --users 12.5                move one user in eight, when they sign in
  authd rollout set --allow ID,ID --deny none   these are moved first, and nobody is held back
  authd rollout set --new-users local           new users get a local account`

type rolloutCommands struct {
	Show rolloutShowCommand `cmd:"" help:"Show the rollout."`
	Set  rolloutSetCommand  `cmd:"" help:"Change what is given and nothing else. Moving users needs LEGACY_EMAIL_VERIFIED to be set."`
}

func (rolloutCommands) Help() string { return rolloutHelp }

type rolloutShowCommand struct {
	JSON bool `help:"Print it as JSON."`
}

func (c rolloutShowCommand) Run() error {
	return onPool(environment(), func(ctx context.Context, pool *pgxpool.Pool) error {
		record, err := rollout.Load(ctx, pool)
		if err != nil {
			return spelled(err)
		}
		if c.JSON {
			return printRolloutJSON(record)
		}
		for _, line := range rolloutLines(record) {
			fmt.Printf("%-20s%s\n", line.name, line.value)
		}
		fmt.Printf("%-20s%d, %s by %s\n", "revision", record.Revision, record.UpdatedAt.Format(time.RFC3339), record.UpdatedBy)
		warnIdle(record)
		return nil
	})
}

type rolloutSetCommand struct {
	Users            *float64 `help:"Percent of the users that are moved when they sign in: 0 to 100, two decimals."`
	Traffic          *float64 `help:"Percent of the platform's auth traffic that its gateway sends here."`
	NewUsers         *string  `help:"Where new users live: firebase or local."`
	Allow            *string  `help:"Ids of users who are moved whatever the percent, comma-separated; none empties the list."`
	Deny             *string  `help:"Ids of users who are never moved, comma-separated; none empties the list."`
	BelowFullTraffic *bool    `help:"Move users although other traffic goes to the old service, which cannot know their new passwords." negatable:""`
}

func (c rolloutSetCommand) Run() error {
	env := environment()
	change, err := c.change()
	if err != nil {
		return failure{err, couldNotSay}
	}
	change.MovesAllowed = env["LEGACY_EMAIL_VERIFIED"] != "" // the default is no decision
	return onPool(env, func(ctx context.Context, pool *pgxpool.Pool) error {
		before, after, err := rollout.Set(ctx, pool, change, "cli:"+osUser())
		if err != nil {
			return spelled(err)
		}
		printRolloutChange(before, after)
		warnIdle(after)
		return nil
	})
}

func (c rolloutSetCommand) change() (rollout.Change, error) {
	if c == (rolloutSetCommand{}) {
		return rollout.Change{}, errors.New("nothing to set was given: see authd rollout set --help")
	}
	change := rollout.Change{UsersPercent: c.Users, TrafficPercent: c.Traffic, NewUsers: c.NewUsers, BelowFullTraffic: c.BelowFullTraffic}
	err := errors.Join(readIDs("--allow", c.Allow, &change.Allow), readIDs("--deny", c.Deny, &change.Deny))
	return change, err
}

func readIDs(flag string, list *string, into **[]uuid.UUID) error {
	if list == nil {
		return nil
	}
	ids := []uuid.UUID{}
	*into = &ids
	if *list == "" || *list == "none" {
		return nil
	}
	for text := range strings.SplitSeq(*list, ",") {
		id, err := uuid.Parse(strings.TrimSpace(text))
		if err != nil {
			return fmt.Errorf("%s: %q is not an id", flag, text)
		}
		ids = append(ids, id)
	}
	return nil
}

// onPool also works through a pooler.
func onPool(env map[string]string, work func(context.Context, *pgxpool.Pool) error) error {
	return onPoolAt(env, func(c config.Config) string { return c.DatabaseDirectURL }, work)
}

// onOwnersPool connects as the tables' owner, with rights that the serving role lacks.
func onOwnersPool(env map[string]string, work func(context.Context, *pgxpool.Pool) error) error {
	return onPoolAt(env, func(c config.Config) string { return c.DatabaseOwnerURL }, work)
}

func onPoolAt(env map[string]string, url func(config.Config) string, work func(context.Context, *pgxpool.Pool) error) error {
	return onDatabase(env, func(ctx context.Context, c config.Config) error {
		pool, err := app.OpenPool(ctx, c, url(c))
		if err != nil {
			return failure{err, couldNotSay}
		}
		defer pool.Close()
		return work(ctx, pool)
	})
}

// spelled adds the next step or the refused fields.
func spelled(err error) error {
	const undefinedTable = "42P01"
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == undefinedTable {
		return fmt.Errorf("%w\nThe database is older than this program: run `authd schema migrate`", err)
	}
	var refusal *fault.Error
	if !errors.As(err, &refusal) {
		return err
	}
	for _, field := range refusal.Fields {
		err = fmt.Errorf("%w\n  %s %s", err, field.Field, field.Message)
	}
	return err
}

// osUser names the operator for the audit.
func osUser() string {
	if who, err := user.Current(); err == nil && who.Username != "" {
		return who.Username
	}
	return "uid-" + strconv.Itoa(os.Getuid()) // a container's user may have no name
}

type rolloutLine struct{ name, value string }

func rolloutLines(r rollout.Record) []rolloutLine {
	return []rolloutLine{
		{"users", percent(r.UsersPercent())},
		{"traffic", percent(r.TrafficPercent())},
		{"new users", r.NewUsers},
		{"allow", idList(r.Allow)},
		{"deny", idList(r.Deny)},
		{"below full traffic", map[bool]string{true: "yes", false: "no"}[r.BelowFullTraffic]},
	}
}

func printRolloutChange(before, after rollout.Record) {
	if before.Revision == after.Revision {
		fmt.Printf("It stands like that already, at revision %d: nothing was changed.\n", after.Revision)
		return
	}
	is := rolloutLines(after)
	for i, was := range rolloutLines(before) {
		if was != is[i] {
			fmt.Printf("%-20s%s -> %s\n", was.name, was.value, is[i].value)
		}
	}
	fmt.Printf("%-20s%d -> %d, by %s\n", "revision", before.Revision, after.Revision, after.UpdatedBy)
}

func warnIdle(r rollout.Record) {
	if r.Idle() {
		fmt.Fprintf(os.Stderr, "Nobody is moved while traffic is at %s: set --traffic 100, or insist by --below-full-traffic.\n", percent(r.TrafficPercent()))
	}
}

func percent(share float64) string { return strconv.FormatFloat(share, 'f', -1, 64) + " %" }

func idList(ids []uuid.UUID) string {
	if len(ids) == 0 {
		return "none"
	}
	return strings.Join(uuid.UUIDs(ids).Strings(), ",")
}

func printRolloutJSON(r rollout.Record) error {
	return printJSON(struct {
		Users            float64     `json:"users"`
		Traffic          float64     `json:"traffic"`
		NewUsers         string      `json:"newUsers"`
		Allow            []uuid.UUID `json:"allow"`
		Deny             []uuid.UUID `json:"deny"`
		BelowFullTraffic bool        `json:"belowFullTraffic"`
		Revision         int64       `json:"revision"`
		UpdatedAt        time.Time   `json:"updatedAt"`
		UpdatedBy        string      `json:"updatedBy"`
	}{
		r.UsersPercent(), r.TrafficPercent(), r.NewUsers, r.Allow, r.Deny, r.BelowFullTraffic, r.Revision, r.UpdatedAt, r.UpdatedBy,
	})
}
