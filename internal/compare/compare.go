package compare

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/proof"
	"auth-v2-service/internal/user"
)

// Accounts is implemented by firebase.Client.
type Accounts interface {
	List(ctx context.Context, page string) (accounts []firebase.User, next string, err error)
	Users(ctx context.Context, uids []string) (map[string]firebase.User, error)
}

// Options configure a Comparer. Pool and Accounts are required.
type Options struct {
	Pool     *pgxpool.Pool
	Accounts Accounts
	// PageSize, default 2,000, does not change the root.
	PageSize int
	// Progress is called after each page of accounts.
	Progress func(Summary)
}

// Comparer compares both sides.
type Comparer struct {
	Options
	queries *db.Queries
}

// New returns a Comparer.
func New(o Options) *Comparer {
	if o.PageSize <= 0 {
		o.PageSize = rowsPerPage
	}
	if o.Progress == nil {
		o.Progress = func(Summary) {}
	}
	return &Comparer{Options: o, queries: db.New()}
}

// Summary counts what was compared.
type Summary struct {
	Root
	AtFirebase  int64        `json:"at_firebase"` // rows that Firebase must have
	Accounts    int64        `json:"accounts"`    // accounts in Firebase's list
	Differences map[Kind]int `json:"differences"`
}

// Equal reports whether both sides are.
func (s Summary) Equal() bool { return len(s.Differences) == 0 }

var errListLoops = errors.New("the list of Firebase leads back to a page that it has shown")

type comparison struct {
	*Comparer
	summary  Summary
	report   func(Difference) error
	reported map[Difference]bool
	seed     maphash.Seed
	expected sets // uids that Firebase must have
	listed   sets // those of them that it lists
}

// sets are sets of uids by a part of their hashes, each as one sum: equal sums are equal sets.
type sets [4096]struct {
	count int64
	sum   uint64
}

func (s *sets) add(seed maphash.Seed, uid string) {
	hash := maphash.String(seed, uid)
	set := &s[hash%uint64(len(s))]
	set.count++
	set.sum += hash
}

// Run compares all rows with all accounts. Errors are outages, or report's.
func (c *Comparer) Run(ctx context.Context, report func(Difference) error) (Summary, error) {
	run := &comparison{Comparer: c, report: report, reported: map[Difference]bool{}, seed: maphash.MakeSeed()}
	run.summary.Differences = map[Kind]int{}
	for _, part := range []func(context.Context) error{run.rows, run.list, run.unlisted} {
		if err := part(ctx); err != nil {
			return Summary{}, err
		}
	}
	return run.summary, nil
}

func (c *comparison) found(d Difference) error {
	if c.reported[d] {
		return nil
	}
	c.reported[d] = true
	c.summary.Differences[d.Kind]++
	return c.report(d)
}

// rows hashes the rows and compares balances with the ledger.
func (c *comparison) rows(ctx context.Context) error {
	tree := &proof.Tree{}
	err := c.inSnapshot(ctx, func(tx pgx.Tx) error {
		return c.eachRow(ctx, tx, func(row db.ProvenRowsRow) error {
			if row.FirebaseUID != "" {
				c.expected.add(c.seed, row.FirebaseUID)
				c.summary.AtFirebase++
			}
			var balance int64
			if row.TokenBalance != nil {
				balance = int64(*row.TokenBalance)
			}
			for kind, differs := range map[Kind]bool{Balance: balance != row.Ledger, UID: row.WithoutUid} {
				if !differs {
					continue
				}
				if err := c.found(Difference{Kind: kind, ID: row.ID}); err != nil {
					return err
				}
			}
			return add(tree, row)
		})
	})
	if err != nil {
		return err
	}
	c.summary.Root, err = rootOf(tree)
	return err
}

// list stops at a loop of pages by Brent's algorithm: it remembers one page.
func (c *comparison) list(ctx context.Context) error {
	remembered := ""
	for page, pages, until := "", 1, 2; ; pages++ {
		accounts, next, err := c.Accounts.List(ctx, page)
		if err != nil {
			return fmt.Errorf("list Firebase's accounts: %w", err)
		}
		if err := c.page(ctx, accounts); err != nil {
			return err
		}
		c.Progress(c.summary)
		switch {
		case next == "":
			return nil
		case next == remembered, next == page:
			return errListLoops
		case pages == until:
			remembered, until = next, 2*until
		}
		page = next
	}
}

func (c *comparison) page(ctx context.Context, accounts []firebase.User) error {
	uids := make([]string, len(accounts))
	for i, account := range accounts {
		uids[i] = account.UID
	}
	rows, err := c.rowsOf(ctx, uids)
	if err != nil {
		return err
	}
	c.summary.Accounts += int64(len(accounts))
	var differing []string
	for _, account := range accounts {
		row, found := rows[account.UID]
		if found && expects(row, account.UID) {
			c.listed.add(c.seed, account.UID)
		}
		if !found || len(between(row, account)) > 0 {
			differing = append(differing, account.UID)
		}
	}
	return c.confirm(ctx, differing)
}

// expects is ProvenRows' condition of an expected uid.
func expects(row db.ComparedRowsRow, uid string) bool {
	return row.FirebaseUID == uid && row.AuthProvider != user.ProviderLocal && row.FederationStatus != user.StatusSyncing && !row.AccountGone
}

// rowsOf returns rows by uid: the row that names the account, or the row with the uid as id.
func (c *Comparer) rowsOf(ctx context.Context, uids []string) (map[string]db.ComparedRowsRow, error) {
	var params db.ComparedRowsParams
	for _, uid := range uids {
		if !firebase.Storable(uid) {
			continue
		}
		params.FirebaseUids = append(params.FirebaseUids, uid)
		if id, err := uuid.Parse(uid); err == nil && id.String() == uid {
			params.Ids = append(params.Ids, id)
		}
	}
	if len(params.FirebaseUids) == 0 {
		return nil, nil
	}
	rows, err := c.queries.ComparedRows(ctx, c.Pool, params)
	if err != nil {
		return nil, fmt.Errorf("read the rows of a page: %w", pg.Fault(err))
	}
	out := make(map[string]db.ComparedRowsRow, len(rows))
	for _, row := range rows {
		if row.FirebaseUID == "" {
			out[row.ID.String()] = row
		}
	}
	for _, row := range rows {
		if row.FirebaseUID != "" {
			out[row.FirebaseUID] = row
		}
	}
	return out, nil
}

// confirm reads both sides again and reports what differs.
func (c *comparison) confirm(ctx context.Context, uids []string) error {
	for some := range slices.Chunk(uids, firebase.MaxLookUp) {
		accounts, err := c.Accounts.Users(ctx, some)
		if err != nil {
			return fmt.Errorf("look up accounts: %w", err)
		}
		rows, err := c.rowsOf(ctx, some)
		if err != nil {
			return err
		}
		for _, uid := range some {
			row, hasRow := rows[uid]
			account, hasAccount := accounts[uid]
			switch {
			case hasRow && hasAccount:
				err = c.differ(row, account)
			case hasRow && expects(row, uid):
				err = c.found(Difference{Kind: MissingAccount, ID: row.ID, UID: uid})
			case hasAccount:
				err = c.withoutRow(ctx, account)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *comparison) differ(row db.ComparedRowsRow, account firebase.User) error {
	for _, kind := range between(row, account) {
		if err := c.found(Difference{Kind: kind, ID: row.ID, UID: account.UID}); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) withoutRow(ctx context.Context, account firebase.User) error {
	difference := Difference{Kind: WithoutRow, UID: account.UID}
	if email, err := user.CanonicalEmail(account.Email); err == nil {
		holder, err := user.Named(ctx, c.Pool, user.Reference{Email: email})
		switch {
		case err == nil:
			difference.Kind, difference.ID = UID, holder.ID
		case !errors.Is(err, user.ErrNotFound):
			return fmt.Errorf("find the row with an account's address: %w", err)
		}
	}
	return c.found(difference)
}

// unlisted looks up accounts that Firebase did not list: they are missing, were made since, or the list was cut short.
func (c *comparison) unlisted(ctx context.Context) error {
	if c.expected == c.listed {
		return nil
	}
	var uids []string
	err := c.eachRow(ctx, c.Pool, func(row db.ProvenRowsRow) error {
		if row.FirebaseUID == "" {
			return nil
		}
		if set := maphash.String(c.seed, row.FirebaseUID) % uint64(len(c.expected)); c.expected[set] == c.listed[set] {
			return nil
		}
		if uids = append(uids, row.FirebaseUID); len(uids) < firebase.MaxLookUp {
			return nil
		}
		some := uids
		uids = nil
		return c.confirm(ctx, some)
	})
	if err != nil {
		return err
	}
	return c.confirm(ctx, uids)
}
