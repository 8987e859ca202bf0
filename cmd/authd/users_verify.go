package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/app"
	"auth-v2-service/internal/compare"
	"auth-v2-service/internal/config"
	"auth-v2-service/internal/proof"
)

type usersVerifyCommand struct {
	Report   string `help:"Write each difference and the summary to FILE, as NDJSON. It holds ids and kinds, no addresses." placeholder:"FILE"`
	SignWith string `help:"Sign the report with the key in FILE, which --new-key made."                                     placeholder:"FILE"`
	JSON     bool   `help:"Print the summary as JSON."`

	Check      string `help:"Check the signature of the report in FILE, and compare its root with the rows of now." group:"Instead of comparing:" placeholder:"FILE" xor:"mode"`
	Key        string `help:"The public key for --check: the FILE.pub beside the key."                              group:"Instead of comparing:" placeholder:"FILE"`
	Prove      string `help:"Print the proof that the row with this ID is in the tree of now, as JSON."             group:"Instead of comparing:" placeholder:"ID"   xor:"mode"`
	CheckProof string `help:"Check the proof in FILE."                                                             group:"Instead of comparing:" placeholder:"FILE" xor:"mode"`
	NewKey     string `help:"Make a key: FILE, which signs, and FILE.pub, which checks."                           group:"Instead of comparing:" placeholder:"FILE" xor:"mode"`
}

func (usersVerifyCommand) Help() string {
	return `It compares each row with its account at Firebase (uid, address, verified, disabled, display name, end of sessions, password) and each
balance with its ledger. It writes nothing to either side. All rows together have one Merkle root, over what a move must not change (id,
username, user_type, is_active, token_balance, created_at, sum of the ledger): the same root before and after a move is the proof.
It needs the whole configuration of authd serve, for it asks Firebase.
Exit codes: 0 both sides are equal (or the check held), 1 they differ (or it did not), 2 it could not be said.

Examples:
  authd users verify                                             compare, and print the root
  authd users verify --new-key auth.key                          once: a key, and auth.key.pub for those who check
  authd users verify --report before.ndjson --sign-with auth.key before a move, and again after it
  authd users verify --check before.ndjson --key auth.key.pub    is the report as it was signed, and are the rows?
  authd users verify --prove ID > proof.json                     the proof of one row
  authd users verify --check-proof proof.json`
}

func (c usersVerifyCommand) Run() error {
	switch {
	case c.NewKey != "":
		return c.makeKey()
	case c.CheckProof != "":
		return c.checkProof()
	case c.SignWith != "" && c.Report == "":
		return failure{errors.New("--sign-with signs a report: name its file by --report"), couldNotSay}
	case c.Check != "" && c.Key == "":
		return failure{errors.New("--check needs the public key: name its file by --key"), couldNotSay}
	}
	var id uuid.UUID
	if c.Prove != "" {
		var err error
		if id, err = uuid.Parse(c.Prove); err != nil {
			return failure{fmt.Errorf("--prove: %q is not an id", c.Prove), couldNotSay}
		}
	}
	configured, err := config.Load(environment())
	if err != nil {
		return failure{err, couldNotSay}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	comparison, err := app.OpenComparison(ctx, configured, app.Options{Logger: progress(), Version: version()}, shown)
	if err != nil {
		return failure{err, couldNotSay}
	}
	defer comparison.Close()
	switch {
	case c.Check != "":
		return c.checkReport(ctx, comparison)
	case c.Prove != "":
		return prove(ctx, comparison, id)
	}
	return c.compare(ctx, comparison)
}

func shown(s compare.Summary) {
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprintf(os.Stderr, "\r%d accounts of Firebase compared with %d rows", s.Accounts, s.Rows)
	}
}

const (
	secretMode = 0o600
	publicMode = 0o644
)

func (c usersVerifyCommand) makeKey() error {
	secret, public, err := proof.NewKey("auth-v2-service")
	if err != nil {
		return failure{err, couldNotSay}
	}
	if err := writeNew(c.NewKey, secret, secretMode); err != nil {
		return failure{err, couldNotSay}
	}
	if err := writeNew(c.NewKey+".pub", public, publicMode); err != nil {
		return failure{err, couldNotSay}
	}
	fmt.Printf("%s signs reports: keep it. %s.pub checks them: give it away.\n", c.NewKey, c.NewKey)
	return nil
}

// writeNew never overwrites: a lost key checks no old report.
func writeNew(path, text string, mode os.FileMode) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode) //nolint:gosec // the operator names the file
	if err != nil {
		return err
	}
	_, err = io.WriteString(file, text+"\n")
	return errors.Join(err, file.Close())
}

func readKey(path string) (string, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	return strings.TrimSpace(string(text)), err
}

func (c usersVerifyCommand) compare(ctx context.Context, on *app.Comparison) (err error) {
	var secret string
	if c.SignWith != "" {
		if secret, err = readKey(c.SignWith); err != nil {
			return failure{err, couldNotSay}
		}
		if _, err := proof.Sign("a try\n", secret); err != nil {
			return failure{fmt.Errorf("%s: %w", c.SignWith, err), couldNotSay}
		}
	}
	to := io.Discard
	if c.Report != "" {
		file, err := os.Create(c.Report)
		if err != nil {
			return failure{err, couldNotSay}
		}
		defer func() { _ = file.Close() }()
		to = file
	}
	report := compare.NewReport(to)
	began := time.Now()
	summary, err := on.Run(ctx, report.Add)
	shown(summary)
	if err != nil {
		return failure{fmt.Errorf("nothing was changed, and the comparison is not complete: %w", err), couldNotSay}
	}
	if err := report.End(on.Scope, summary, secret); err != nil {
		return failure{err, couldNotSay}
	}
	if err := c.print(on.Scope, summary, time.Since(began)); err != nil {
		return failure{err, couldNotSay}
	}
	if !summary.Equal() {
		return failure{errors.New("the sides differ"), differs}
	}
	return nil
}

func (c usersVerifyCommand) print(scope compare.Scope, s compare.Summary, took time.Duration) error {
	if c.JSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(s)
	}
	tenant := ""
	if scope.Tenant != "" {
		tenant = ", tenant " + scope.Tenant
	}
	fmt.Printf("database %s, project %s%s\n", scope.Database, scope.Project, tenant)
	fmt.Printf("%-25s%d\n%-25s%d\n%-25s%d\n", "rows", s.Rows, "rows at Firebase", s.AtFirebase, "accounts at Firebase", s.Accounts)
	for _, kind := range slices.Sorted(maps.Keys(s.Differences)) {
		fmt.Printf("differ: %-17s%d\n", kind, s.Differences[kind])
	}
	fmt.Printf("%-25s%s\n%-25s%s\n", "root", s.Hash, "took", took.Round(time.Millisecond))
	switch {
	case !s.Equal() && c.Report == "":
		fmt.Println("authd users verify --report FILE lists each difference; authd users reconcile repairs what Firebase decides.")
	case c.Report != "" && c.SignWith != "":
		fmt.Printf("authd users verify --check %s --key %s.pub checks the report.\n", c.Report, c.SignWith)
	}
	return nil
}

func (c usersVerifyCommand) checkReport(ctx context.Context, on *app.Comparison) error {
	public, err := readKey(c.Key)
	if err != nil {
		return failure{err, couldNotSay}
	}
	file, err := os.Open(c.Check)
	if err != nil {
		return failure{err, couldNotSay}
	}
	defer func() { _ = file.Close() }()
	scope, said, err := compare.CheckReport(file, public)
	if err != nil {
		return failure{err, differs}
	}
	fmt.Printf("The report of %s (database %s, project %s) is as it was signed.\n", scope.At, scope.Database, scope.Project)
	now, err := on.Root(ctx)
	if err != nil {
		return failure{err, couldNotSay}
	}
	if now != said.Root {
		return failure{fmt.Errorf("the rows are not what they were: %d rows with root %s then, %d with %s now", said.Rows, said.Hash, now.Rows, now.Hash), differs}
	}
	fmt.Printf("The %d rows are what they were: root %s.\n", now.Rows, now.Hash)
	return nil
}

func prove(ctx context.Context, on *app.Comparison, id uuid.UUID) error {
	shown, err := on.Prove(ctx, id)
	switch {
	case errors.Is(err, compare.ErrNoRow):
		return failure{err, differs}
	case err != nil:
		return failure{err, couldNotSay}
	}
	if err := json.NewEncoder(os.Stdout).Encode(shown); err != nil {
		return failure{err, couldNotSay}
	}
	return nil
}

func (c usersVerifyCommand) checkProof() error {
	text, err := os.ReadFile(c.CheckProof)
	if err != nil {
		return failure{err, couldNotSay}
	}
	var shown compare.Proof
	if err := json.Unmarshal(text, &shown); err != nil {
		return failure{fmt.Errorf("%s is no proof: %w", c.CheckProof, err), couldNotSay}
	}
	if err := shown.Check(); err != nil {
		return failure{err, differs}
	}
	fmt.Printf("%s is in the tree of %d rows with root %s.\n", shown.Record, shown.Rows, shown.Hash)
	return nil
}
