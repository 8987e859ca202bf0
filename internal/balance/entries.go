package balance

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/page"
	"auth-v2-service/internal/pg"
)

// Kinds of entries.
const (
	Opening  = "opening" // the first balance
	Made     = "change"
	External = "external" // by any other writer
	Closing  = "closing"
)

// Entry is a ledger row. Only Made entries have Reason and Key.
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

// Page is newest first. Next is "" on the last page.
type Page struct {
	Entries []Entry
	Next    string
}

type place struct {
	Before int64 `json:"before"`
}

// Entries returns a page. A deleted user's entries stay. ErrNotFound: neither row nor entries exist.
func (s *Service) Entries(ctx context.Context, userID uuid.UUID, cursor string, size page.Size) (Page, error) {
	from := place{Before: math.MaxInt64}
	if err := page.Decode(cursor, &from); err != nil {
		return Page{}, err
	}
	rows, err := s.queries.LedgerEntries(ctx, s.pool, db.LedgerEntriesParams{UserID: userID, BeforeID: from.Before, Most: size.OneMore()})
	if err != nil {
		return Page{}, fmt.Errorf("read the ledger of user %s: %w", userID, pg.Fault(err))
	}
	if len(rows) == 0 {
		return Page{}, s.known(ctx, userID)
	}
	var found Page
	rows, last := page.Trim(rows, size)
	if last != nil {
		found.Next = page.Encode(place{Before: last.ID})
	}
	for _, row := range rows {
		found.Entries = append(found.Entries, toEntry(row))
	}
	return found, nil
}

// About returns entries oldest first.
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
