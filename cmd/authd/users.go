package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/user"
)

var usersHelp = fmt.Sprintf(`Show a user, and give or take the right to operate the platform.

DATABASE_DIRECT_URL (or DATABASE_URL) says where. The first admin is made here; a change is audited, and every instance knows it
within %g seconds. An admin operates with a token of Firebase's alone: legacy tokens open nothing to admins.
Exit codes of show, promote and demote: 0 all is well, 1 there is no such user or it was refused, 2 it could not be said (no connection, wrong
configuration). Those of runs, pause, resume, stop and retry: 0 done, 2 refused or not to be said. The help of the others names theirs.

Examples:
  authd users show --email jane@example.com        what the platform knows of a user
  authd users show --uid UID --json                the same by Firebase's uid, for programs
  authd users promote --email jane@example.com     make a user an admin
  authd users demote --id ID                       make an admin a user again
  authd users reconcile --dry-run                  count where rows and Firebase's accounts differ
  authd users verify --report report.ndjson        list each difference, and print the root of all rows
  authd users preflight                            examine which users can move to Firebase, and write nothing
  authd users move --percent 10                    move a tenth of the users to Firebase
  authd users return --dry-run                     which users can come back from Firebase
  authd users runs                                 the runs that moved users, the newest first`, principal.MaxFactsAge.Seconds())

type usersCommands struct {
	Show    usersShowCommand    `cmd:"" help:"Show a user: one row, without the password."`
	Promote usersPromoteCommand `cmd:"" help:"Make a user an admin."`
	Demote  usersDemoteCommand  `cmd:"" help:"Make an admin a user like any other."`

	Preflight usersPreflightCommand `cmd:"" help:"Examine which users can move to Firebase. It writes nothing."`
	Move      usersMoveCommand      `cmd:"" help:"Move many users to Firebase, or go on with the unfinished run."`
	Return    usersReturnCommand    `cmd:"" help:"Bring users back from Firebase with today's password, or go on with the unfinished run."`
	Runs      usersRunsCommand      `cmd:"" help:"List the runs that moved users, or show one."`
	Pause     usersPauseCommand     `cmd:"" help:"Pause a run between batches."`
	Resume    usersResumeCommand    `cmd:"" help:"Go on with a paused run, on the running instances."`
	Stop      usersStopCommand      `cmd:"" help:"End a run for good. Users that have moved or returned stay so."`
	Retry     usersRetryCommand     `cmd:"" help:"Try the failed users of a run again, on the running instances."`

	Reconcile usersReconcileCommand `cmd:"" help:"Hold all rows against Firebase's accounts, and repair what differs."`
	Verify    usersVerifyCommand    `cmd:"" help:"Hold all rows against Firebase's accounts, change nothing, and prove that rows stayed as they were."`
}

func (usersCommands) Help() string { return usersHelp }

// reference names a user by exactly one flag.
type reference struct {
	Email string `help:"By e-mail, in any spelling."   xor:"reference" group:"The user, by one of:"`
	ID    string `help:"By the id of the row."         xor:"reference" group:"The user, by one of:"`
	UID   string `help:"By Firebase's uid." name:"uid" xor:"reference" group:"The user, by one of:"`
}

var errNoReference = errors.New("name the user by one of --email, --id and --uid")

func (r reference) read() (user.Reference, error) {
	if r == (reference{}) {
		return user.Reference{}, errNoReference
	}
	who := user.Reference{Email: r.Email, FirebaseUID: r.UID}
	if r.ID == "" {
		return who, nil
	}
	var err error
	if who.ID, err = uuid.Parse(r.ID); err != nil {
		return who, fmt.Errorf("--id: %q is not an id", r.ID)
	}
	return who, nil
}

type usersShowCommand struct {
	reference
	JSON bool `help:"Print it as JSON."`
}

func (c usersShowCommand) Run() error {
	return c.on(func(ctx context.Context, pool *pgxpool.Pool, who user.Reference) error {
		u, err := user.Named(ctx, pool, who)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return printUserJSON(u)
		}
		printUser(u)
		return nil
	})
}

type usersPromoteCommand struct{ reference }

func (c usersPromoteCommand) Run() error {
	return c.on(func(ctx context.Context, pool *pgxpool.Pool, who user.Reference) error {
		p, err := user.Promote(ctx, pool, who, "cli:"+osUser())
		if err != nil {
			return err
		}
		printPromotion(p)
		warnOfAdmin(p)
		return nil
	})
}

type usersDemoteCommand struct{ reference }

func (c usersDemoteCommand) Run() error {
	return c.on(func(ctx context.Context, pool *pgxpool.Pool, who user.Reference) error {
		p, err := user.Demote(ctx, pool, who, "cli:"+osUser())
		if err == nil {
			printPromotion(p)
		}
		return err
	})
}

func (r reference) on(work func(context.Context, *pgxpool.Pool, user.Reference) error) error {
	who, err := r.read()
	if err != nil {
		return failure{err, couldNotSay}
	}
	return onPool(environment(), func(ctx context.Context, pool *pgxpool.Pool) error {
		err := work(ctx, pool, who)
		if errors.Is(err, user.ErrNotFound) {
			return errors.New("there is no such user: a row is made at the first sign-in")
		}
		return spelled(err)
	})
}

func printUser(u user.User) {
	for _, line := range []struct{ name, value string }{
		{"id", u.ID.String()},
		{"firebase uid", dash(u.FirebaseUID)},
		{"e-mail", dash(u.Email)},
		{"username", dash(u.Username)},
		{"user type", u.Type},
		{"active", map[bool]string{true: "yes", false: "no"}[u.IsActive]},
		{"signs in at", u.AuthProvider},
		{"federation", u.FederationStatus},
		{"token balance", fmt.Sprint(u.TokenBalance)},
		{"last login", stamp(u.LastLogin)},
		{"created", stamp(u.CreatedAt)},
		{"changed", stamp(u.UpdatedAt)},
	} {
		fmt.Printf("%-15s%s\n", line.name, line.value)
	}
}

func printPromotion(p user.Promotion) {
	if p.Before == p.User.Type {
		fmt.Printf("%s is of type %s already: nothing was changed.\n", p.User.ID, p.Before)
		return
	}
	fmt.Printf("%s: %s -> %s. Every instance knows it within %g seconds.\n", p.User.ID, p.Before, p.User.Type, principal.MaxFactsAge.Seconds())
}

// warnOfAdmin warns that an unproven address proves nothing.
func warnOfAdmin(p user.Promotion) {
	if !p.EmailProven {
		fmt.Fprintf(os.Stderr, "Nobody has noted that the holder of this account has proven the address %s: make sure that it is who you mean, "+
			"or take it back by authd users demote --id %s.\n", dash(p.User.Email), p.User.ID)
	}
	if p.User.FirebaseUID == "" {
		fmt.Fprintln(os.Stderr, "This account is not linked to Firebase, and a legacy token opens nothing to admins: they must sign in at Firebase "+
			"and link it by its password first.")
	}
	if !p.User.IsActive || p.User.FederationStatus == user.StatusDisabled {
		fmt.Fprintln(os.Stderr, "This account is deactivated: it operates nothing before it is active again.")
	}
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func printUserJSON(u user.User) error {
	orNull := func(text string) *string {
		if text == "" {
			return nil
		}
		return &text
	}
	return printJSON(struct {
		ID               uuid.UUID  `json:"id"`
		FirebaseUID      *string    `json:"firebase_uid"`
		Email            *string    `json:"email"`
		Username         *string    `json:"username"`
		UserType         string     `json:"user_type"`
		IsActive         bool       `json:"is_active"`
		TokenBalance     int32      `json:"token_balance"`
		AuthProvider     string     `json:"auth_provider"`
		FederationStatus string     `json:"federation_status"`
		LastLogin        *time.Time `json:"last_login"`
		CreatedAt        *time.Time `json:"created_at"`
		UpdatedAt        *time.Time `json:"updated_at"`
	}{
		u.ID, orNull(u.FirebaseUID), orNull(u.Email), orNull(u.Username), u.Type, u.IsActive, u.TokenBalance, u.AuthProvider,
		u.FederationStatus, u.LastLogin, u.CreatedAt, u.UpdatedAt,
	})
}
