package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/apikey"
)

const keysHelp = `Make, list and revoke the API keys that services and scripts send in X-API-Key.

DATABASE_OWNER_URL (or DATABASE_DIRECT_URL, or DATABASE_URL) says where they are kept, as hashes: a key is shown once, when it is made.
The login that serves may not make or revoke any. What is done is audited, and counts on every instance at once. Exit codes: 0 all is
well, 1 it was refused, 2 it could not be said (no connection, wrong configuration).

Scopes: admin opens whatever an admin may do, balance the balances of users, events the feed of revocations.

Examples:
  authd keys create --name billing --scope balance > billing.key   the key alone goes to the file
  authd keys list                                                  which keys there are, who made them, when they were used
  authd keys list --json                                           the same for programs
  authd keys revoke 4zq7k2mwh3xn5v6a                               by the id in the list, which is the middle of the key`

type keysCommands struct {
	Create keysCreateCommand `cmd:"" help:"Make a key: it alone is printed to standard output, and never again."`
	List   keysListCommand   `cmd:"" help:"List the keys, without their secrets."`
	Revoke keysRevokeCommand `cmd:"" help:"Revoke a key: no instance takes it any more."`
}

func (keysCommands) Help() string { return keysHelp }

type keysCreateCommand struct {
	Name  string `help:"What the key is for, for those who read the list."                            required:""`
	Scope string `enum:"admin,balance,events" help:"What the key opens: admin, balance or events." required:""`
}

func (c keysCreateCommand) Run() error {
	return onOwnersPool(environment(), func(ctx context.Context, pool *pgxpool.Pool) error {
		whole, key, err := apikey.Create(ctx, pool, c.Name, apikey.Scope(c.Scope), "cli:"+osUser())
		if err != nil {
			return spelled(err)
		}
		if _, err := fmt.Println(whole); err != nil {
			return fmt.Errorf("key %s was made and could not be printed (%w): revoke it, and make another", key.ID, err)
		}
		fmt.Fprintf(os.Stderr, "Key %s of scope %s for %q is made. It is shown this once: only its hash is kept.\n", key.ID, key.Scope, key.Name)
		return nil
	})
}

type keysListCommand struct {
	JSON bool `help:"Print it as JSON."`
}

func (c keysListCommand) Run() error {
	return onOwnersPool(environment(), func(ctx context.Context, pool *pgxpool.Pool) error {
		keys, err := apikey.List(ctx, pool)
		switch {
		case err != nil:
			return spelled(err)
		case c.JSON:
			return printKeysJSON(keys)
		}
		return printKeys(keys)
	})
}

type keysRevokeCommand struct {
	ID string `arg:"" help:"The id of the key, as the list has it."`
}

func (c keysRevokeCommand) Run() error {
	return onOwnersPool(environment(), func(ctx context.Context, pool *pgxpool.Pool) error {
		key, revoked, err := apikey.Revoke(ctx, pool, c.ID, "cli:"+osUser())
		switch {
		case errors.Is(err, apikey.ErrUnknown):
			return fmt.Errorf("%w: authd keys list shows them", err)
		case err != nil:
			return spelled(err)
		case !revoked:
			fmt.Printf("Key %s was revoked at %s by %s: nothing was changed.\n", key.ID, stamp(key.RevokedAt), key.RevokedBy)
			return nil
		}
		fmt.Printf("Key %s of scope %s for %q is revoked: no instance takes it any more.\n", key.ID, key.Scope, key.Name)
		return nil
	})
}

func printKeys(keys []apikey.Key) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tSCOPE\tCREATED\tBY\tLAST USED\tREVOKED")
	for _, k := range keys {
		revoked := stamp(k.RevokedAt)
		if k.RevokedAt != nil {
			revoked += " by " + k.RevokedBy
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, k.Scope, stamp(&k.CreatedAt), k.CreatedBy, stamp(k.LastUsedAt), revoked)
	}
	return table.Flush()
}

func stamp(at *time.Time) string {
	if at == nil {
		return "-"
	}
	return at.UTC().Format(time.RFC3339)
}

func printKeysJSON(keys []apikey.Key) error {
	type line struct {
		ID         string       `json:"id"`
		Name       string       `json:"name"`
		Scope      apikey.Scope `json:"scope"`
		CreatedAt  time.Time    `json:"createdAt"`
		CreatedBy  string       `json:"createdBy"`
		LastUsedAt *time.Time   `json:"lastUsedAt"`
		RevokedAt  *time.Time   `json:"revokedAt"`
		RevokedBy  string       `json:"revokedBy,omitempty"`
	}
	lines := make([]line, len(keys))
	for i, k := range keys {
		lines[i] = line(k)
	}
	return printJSON(lines)
}

func printJSON(v any) error {
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
