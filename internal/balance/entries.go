package balance

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/pg"
)

// Kinds of entries.
const (
	Opening  = "opening"  // what stood when the ledger began
	Made     = "change"   // through this service
	External = "external" // around it, by whoever else writes auth.users
	Closing  = "closing"  // the row was deleted
)

// Entry is one row of the ledger. An opening, external or closing entry has neither reason nor key.
type Entry struct {
	ID           int64
	Amount       int64
	BalanceAfter int32
	Kind         string
	Caller       string
	Reason       *string
	Key          *string
	OccurredAt   time.Time
}

// Page is a part of a user's entries, the newest first. Next is what to go on before, 0 where nothing older is left.
type Page struct {
	Entries []Entry
	Next    int64
}

// Entries gives at most so many of a user's entries older than the one named (0: the newest). Pages hang on the entry and not on a
// count, so none is missed or seen twice while new ones come. The entries of a deleted user stay. ErrNotFound for a user who is not
// and has left nothing.
func (s *Service) Entries(ctx context.Context, userID uuid.UUID, before int64, most int) (Page, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	rows, err := s.queries.LedgerEntries(ctx, s.pool, db.LedgerEntriesParams{
		UserID: userID, BeforeID: before, Most: int32(most) + 1, //nolint:gosec // one more than asked for tells whether there is more
	})
	if err != nil {
		return Page{}, fmt.Errorf("read the ledger of user %s: %w", userID, pg.Fault(err))
	}
	if len(rows) == 0 {
		return Page{}, s.known(ctx, userID)
	}
	var page Page
	if len(rows) > most {
		rows = rows[:most]
		page.Next = rows[most-1].ID
	}
	for _, row := range rows {
		page.Entries = append(page.Entries, toEntry(row))
	}
	return page, nil
}

// About gives all the entries of a user, the oldest first.
func About(ctx context.Context, pool db.DBTX, userID uuid.UUID) ([]Entry, error) {
	rows, err := db.New().LedgerEntries(ctx, pool, db.LedgerEntriesParams{UserID: userID, BeforeID: math.MaxInt64, Most: math.MaxInt32})
	if err != nil {
		return nil, fmt.Errorf("read the ledger of user %s: %w", userID, pg.Fault(err))
	}
	slices.Reverse(rows)
	entries := make([]Entry, len(rows))
	for i, row := range rows {
		entries[i] = toEntry(row)
	}
	return entries, nil
}

func (s *Service) known(ctx context.Context, userID uuid.UUID) error {
	exists, err := s.queries.HolderExists(ctx, s.pool, userID)
	if err != nil {
		return fmt.Errorf("look for user %s: %w", userID, pg.Fault(err))
	}
	if !exists {
		return ErrNotFound
	}
	return nil
}

func toEntry(row db.LedgerEntriesRow) Entry {
	return Entry{
		ID: row.ID, Amount: row.Amount, BalanceAfter: row.BalanceAfter, Kind: row.Kind, Caller: row.Caller, Reason: row.Reason,
		Key: row.IdempotencyKey, OccurredAt: row.OccurredAt,
	}
}
