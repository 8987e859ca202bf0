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
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/mattn/go-isatty"

	"auth-v2-service/internal/app"
	"auth-v2-service/internal/compare"
	"auth-v2-service/internal/config"
	"auth-v2-service/internal/proof"
)

type usersVerifyCommand struct {
	Report   string `help:"Write each difference and the summary to a new FILE, as NDJSON. It holds ids and kinds, no addresses." placeholder:"FILE"`
	SignWith string `help:"Sign the report with the key in FILE, which --new-key made."                                           placeholder:"FILE"`
	JSON     bool   `help:"Print the summary as JSON."`

	Check      string `help:"Check the signature of the report in FILE, and compare its root with the rows of now."  group:"Instead of comparing:" placeholder:"FILE"`
	Key        string `help:"The public key for --check: the FILE.pub beside the key."                               group:"Instead of comparing:" placeholder:"FILE"`
	Prove      string `help:"Print the proof that the row with this ID is in the tree of now, as JSON."              group:"Instead of comparing:" placeholder:"ID"   xor:"mode"`
	CheckProof string `help:"Check that the row of the proof in FILE is in the tree of the signed report of --check." group:"Instead of comparing:" placeholder:"FILE" xor:"mode"`
	NewKey     string `help:"Make a key: FILE, which signs, and FILE.pub, which checks."                             group:"Instead of comparing:" placeholder:"FILE" xor:"mode"`
}

func (usersVerifyCommand) Help() string {
	return `It compares each row with its account at Firebase (uid, address, verified, disabled, display name, end of sessions, password) and each
balance with its ledger. It writes nothing to either side. All rows together have one Merkle root, over what a move must not change (id,
username, user_type, is_active, token_balance, created_at, sum of the ledger): the same root before and after a move is the proof.
It needs the whole configuration of authd serve, for it asks Firebase; --check-proof and --new-key need none.
Exit codes: 0 both sides are equal (or the check held), 1 they differ (or it did not), 2 it could not be said.

Examples:
  authd users verify                                              compare, and print the root
  authd users verify --new-key auth.key                           once: a key, and auth.key.pub for the report's readers
  authd users verify --report before.ndjson --sign-with auth.key  before a move
  authd users verify --check before.ndjson --key auth.key.pub     after it: is the report as it was signed, and are the rows?
  authd users verify --prove ID > proof.json                      the proof of one row
  authd users verify --check-proof proof.json --check before.ndjson --key auth.key.pub`
}

// refuse returns what is wrong with the flags.
func (c usersVerifyCommand) refuse() error {
	switch {
	case c.SignWith != "" && c.Report == "":
		return errors.New("--sign-with signs a report: name its file by --report")
	case c.Check != "" && c.Key == "":
		return errors.New("--check needs the public key: name its file by --key")
	case c.CheckProof != "" && c.Check == "":
		return errors.New("a proof needs a signed root: name the report of its tree by --check")
	case c.Report != "":
		if _, err := os.Lstat(c.Report); err == nil {
			return fmt.Errorf("%s exists: name a new file by --report", c.Report)
		}
	}
	return nil
}

func (c usersVerifyCommand) Run() error {
	if err := c.refuse(); err != nil {
		return failure{err, couldNotSay}
	}
	switch {
	case c.NewKey != "":
		return c.makeKey()
	case c.CheckProof != "":
		return c.checkProof()
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
	comparison, err := app.OpenComparison(ctx, configured, app.Options{Logger: progress(), Version: version()}, printProgress)
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

// printProgress serves people at a terminal.
func printProgress(s compare.Summary) {
	toTerminal("\r%d accounts of Firebase compared with %d rows", s.Accounts, s.Rows)
}

func isTerminal(file *os.File) bool { return isatty.IsTerminal(file.Fd()) }

func toTerminal(format string, values ...any) {
	if isTerminal(os.Stderr) {
		fmt.Fprintf(os.Stderr, format, values...)
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
	to, keep, err := c.reportFile()
	if err != nil {
		return failure{err, couldNotSay}
	}
	defer func() { _ = keep(false) }()
	if !c.JSON {
		printScope(on.Scope)
	}
	report := compare.NewReport(to)
	began := time.Now()
	summary, err := on.Run(ctx, report.Add)
	toTerminal("\n")
	if err != nil {
		return failure{fmt.Errorf("nothing was changed, and the comparison is not complete: %w", err), couldNotSay}
	}
	if err := report.End(on.Scope, summary, secret); err != nil {
		return failure{err, couldNotSay}
	}
	if err := keep(true); err != nil {
		return failure{err, couldNotSay}
	}
	if err := c.print(summary, time.Since(began)); err != nil {
		return failure{err, couldNotSay}
	}
	if !summary.Equal() {
		return failure{errors.New("the sides differ"), differs}
	}
	return nil
}

// reportFile has its name once it is whole, and takes no other file's. keep(false) removes it.
func (c usersVerifyCommand) reportFile() (to io.Writer, keep func(bool) error, err error) {
	if c.Report == "" {
		return io.Discard, func(bool) error { return nil }, nil
	}
	file, err := os.CreateTemp(filepath.Dir(c.Report), ".report-*")
	if err != nil {
		return nil, nil, err
	}
	return file, func(whole bool) error {
		defer func() { _ = os.Remove(file.Name()) }()
		if err := file.Close(); err != nil || !whole {
			return err
		}
		return os.Link(file.Name(), c.Report)
	}, nil
}

func printScope(scope compare.Scope) {
	tenant := ""
	if scope.Tenant != "" {
		tenant = ", tenant " + scope.Tenant
	}
	fmt.Printf("database %s, project %s%s\n", scope.Database, scope.Project, tenant)
}

func (c usersVerifyCommand) print(s compare.Summary, took time.Duration) error {
	if c.JSON {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(s)
	}
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

// openReport returns what the signed report of --check says.
func (c usersVerifyCommand) openReport() (compare.Scope, compare.Summary, error) {
	public, err := readKey(c.Key)
	if err != nil {
		return compare.Scope{}, compare.Summary{}, failure{err, couldNotSay}
	}
	file, err := os.Open(c.Check)
	if err != nil {
		return compare.Scope{}, compare.Summary{}, failure{err, couldNotSay}
	}
	defer func() { _ = file.Close() }()
	scope, said, err := compare.CheckReport(file, public)
	if err != nil {
		return compare.Scope{}, compare.Summary{}, failure{err, differs}
	}
	fmt.Printf("The report of %s (database %s, project %s) is as it was signed.\n", scope.At, scope.Database, scope.Project)
	return scope, said, nil
}

func (c usersVerifyCommand) checkReport(ctx context.Context, on *app.Comparison) error {
	scope, said, err := c.openReport()
	if err != nil {
		return err
	}
	if scope.Database != on.Scope.Database || scope.Project != on.Scope.Project || scope.Tenant != on.Scope.Tenant {
		return failure{fmt.Errorf("the report is of another place: here are database %s and project %s", on.Scope.Database, on.Scope.Project), couldNotSay}
	}
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
	proved, err := on.Prove(ctx, id)
	switch {
	case errors.Is(err, compare.ErrNoRow):
		return failure{err, differs}
	case err != nil:
		return failure{err, couldNotSay}
	}
	if err := json.NewEncoder(os.Stdout).Encode(proved); err != nil {
		return failure{err, couldNotSay}
	}
	return nil
}

func (c usersVerifyCommand) checkProof() error {
	text, err := os.ReadFile(c.CheckProof)
	if err != nil {
		return failure{err, couldNotSay}
	}
	var proved compare.Proof
	if err := json.Unmarshal(text, &proved); err != nil {
		return failure{fmt.Errorf("%s is no proof: %w", c.CheckProof, err), couldNotSay}
	}
	_, said, err := c.openReport()
	if err != nil {
		return err
	}
	if proved.Root != said.Root {
		return failure{fmt.Errorf("the proof is of another tree: its root is %s, the report's %s", proved.Hash, said.Hash), differs}
	}
	if err := proved.Check(); err != nil {
		return failure{err, differs}
	}
	fmt.Printf("%s is in the tree of %d rows with root %s.\n", proved.Record, proved.Rows, proved.Hash)
	return nil
}
