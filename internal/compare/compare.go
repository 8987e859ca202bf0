package compare

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/proof"
	"auth-v2-service/internal/user"
)

// Accounts is implemented by firebase.Client.
type Accounts interface {
	List(ctx context.Context, page string) (accounts []firebase.User, next string, err error)
	User(ctx context.Context, uid string) (firebase.User, error)
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

const lookUpsAtOnce = 4

type comparison struct {
	*Comparer
	summary Summary
	report  func(Difference) error
	mu      sync.Mutex
	seed    maphash.Seed
	// expected and listed are sums of the hashes of uids: equal sums mean equal sets.
	expected, listed multiset
}

type multiset struct {
	count int64
	sum   uint64
}

func (m *multiset) add(seed maphash.Seed, uid string) {
	m.count++
	m.sum += maphash.String(seed, uid)
}

// Run compares all rows with all accounts. report is called for each difference, never twice at once. Errors are outages, or report's.
func (c *Comparer) Run(ctx context.Context, report func(Difference) error) (Summary, error) {
	this := &comparison{Comparer: c, report: report, seed: maphash.MakeSeed()}
	this.summary.Differences = map[Kind]int{}
	for _, part := range []func(context.Context) error{this.rows, this.list, this.missing} {
		if err := part(ctx); err != nil {
			return Summary{}, err
		}
	}
	return this.summary, nil
}

func (c *comparison) found(d Difference) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.summary.Differences[d.Kind]++
	return c.report(d)
}

func (c *comparison) rows(ctx context.Context) error {
	tree := &proof.Tree{}
	err := c.inSnapshot(ctx, func(tx pgx.Tx) error {
		return c.eachRow(ctx, tx, func(row db.ProvenRowsRow) error {
			if row.FirebaseUID != "" {
				c.expected.add(c.seed, row.FirebaseUID)
			}
			var balance int64
			if row.TokenBalance != nil {
				balance = int64(*row.TokenBalance)
			}
			if balance != row.Ledger {
				if err := c.found(Difference{Kind: Balance, ID: row.ID}); err != nil {
					return err
				}
			}
			return add(tree, row)
		})
	})
	if err != nil {
		return err
	}
	c.summary.AtFirebase = c.expected.count
	c.summary.Root, err = rootOf(tree)
	return err
}

func (c *comparison) list(ctx context.Context) error {
	for page := ""; ; {
		accounts, next, err := c.Accounts.List(ctx, page)
		if err != nil {
			return fmt.Errorf("list Firebase's accounts: %w", err)
		}
		if err := c.page(ctx, accounts); err != nil {
			return err
		}
		c.Progress(c.summary)
		if next == "" {
			return nil
		}
		if next == page {
			return errListLoops
		}
		page = next
	}
}

func (c *comparison) page(ctx context.Context, accounts []firebase.User) error {
	rows, err := c.rowsOf(ctx, accounts)
	if err != nil {
		return err
	}
	c.summary.Accounts += int64(len(accounts))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(lookUpsAtOnce)
	for _, account := range accounts {
		row, found := rows[account.UID]
		if found && row.FirebaseUID == account.UID && row.AuthProvider != user.ProviderLocal && row.FederationStatus != user.StatusSyncing {
			c.listed.add(c.seed, account.UID)
		}
		if found && len(between(row, account)) == 0 {
			continue
		}
		group.Go(func() error { return c.confirm(ctx, account.UID) })
	}
	return group.Wait()
}

// rowsOf returns the accounts' rows by uid: the row that names the account, or the row with the uid as id.
func (c *Comparer) rowsOf(ctx context.Context, accounts []firebase.User) (map[string]db.ComparedRowsRow, error) {
	uids := make([]string, 0, len(accounts))
	var ids []uuid.UUID
	for _, account := range accounts {
		if !firebase.Storable(account.UID) {
			continue
		}
		uids = append(uids, account.UID)
		if id, err := uuid.Parse(account.UID); err == nil && id.String() == account.UID {
			ids = append(ids, id)
		}
	}
	if len(uids) == 0 {
		return nil, nil
	}
	rows, err := c.queries.ComparedRows(ctx, c.Pool, db.ComparedRowsParams{FirebaseUids: uids, Ids: ids})
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

func (c *comparison) confirm(ctx context.Context, uid string) error {
	account, err := c.Accounts.User(ctx, uid)
	if errors.Is(err, firebase.ErrUserNotFound) {
		return nil // deleted since; missing finds a row that waits for it
	}
	if err != nil {
		return fmt.Errorf("look up an account that differs: %w", err)
	}
	rows, err := c.rowsOf(ctx, []firebase.User{account})
	if err != nil {
		return err
	}
	row, found := rows[uid]
	if !found {
		return c.withoutRow(ctx, account)
	}
	for _, kind := range between(row, account) {
		if err := c.found(Difference{Kind: kind, ID: row.ID, UID: uid}); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) withoutRow(ctx context.Context, account firebase.User) error {
	difference := Difference{Kind: WithoutRow, UID: account.UID}
	if email, err := user.CanonicalEmail(account.Email); err == nil {
		holders, err := c.queries.AddressHolders(ctx, c.Pool, []string{email})
		if err != nil {
			return fmt.Errorf("find the row with an account's address: %w", pg.Fault(err))
		}
		if len(holders) > 0 {
			difference.Kind, difference.ID = UID, holders[0].ID
		}
	}
	return c.found(difference)
}

// missing finds rows without an account. It looks, and holds their uids in memory, only if the sets of uids differ.
func (c *comparison) missing(ctx context.Context) error {
	if c.expected == c.listed {
		return nil
	}
	waiting := map[string]uuid.UUID{}
	err := c.inSnapshot(ctx, func(tx pgx.Tx) error {
		return c.eachRow(ctx, tx, func(row db.ProvenRowsRow) error {
			if row.FirebaseUID != "" {
				waiting[row.FirebaseUID] = row.ID
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	for page := ""; ; {
		accounts, next, err := c.Accounts.List(ctx, page)
		if err != nil {
			return fmt.Errorf("list Firebase's accounts again: %w", err)
		}
		for _, account := range accounts {
			delete(waiting, account.UID)
		}
		if next == "" || next == page {
			break
		}
		page = next
	}
	for _, uid := range slices.Sorted(maps.Keys(waiting)) {
		if err := c.confirmMissing(ctx, waiting[uid], uid); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) confirmMissing(ctx context.Context, id uuid.UUID, uid string) error {
	_, err := c.Accounts.User(ctx, uid)
	if err == nil {
		return nil // made since
	}
	if !errors.Is(err, firebase.ErrUserNotFound) {
		return fmt.Errorf("look up an account that is missing: %w", err)
	}
	rows, err := c.rowsOf(ctx, []firebase.User{{UID: uid}})
	if err != nil {
		return err
	}
	if row, found := rows[uid]; !found || row.FirebaseUID != uid || row.AuthProvider == user.ProviderLocal {
		return nil // deleted or returned since
	}
	return c.found(Difference{Kind: MissingAccount, ID: id, UID: uid})
}
