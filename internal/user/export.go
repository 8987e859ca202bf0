package user

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/pg"
)

// Export is all data about a user. Passwords appear as flags only.
type Export struct {
	Record
	ProviderData       map[string]any
	KeepsLocalPassword bool
	SetAside           *SetAside
	Move               *Move
}

// SetAside is a disabled password.
type SetAside struct {
	Reason string
	At     time.Time
}

// Move is a pending or stopped move.
type Move struct {
	ClaimedAt time.Time
	FailedAt  *time.Time
	Failure   string
}

// Export reads it all. Errors: ErrNotFound.
func (s *Store) Export(ctx context.Context, id uuid.UUID) (Export, error) {
	record, err := s.Record(ctx, id)
	if err != nil {
		return Export{}, err
	}
	row, err := s.queries.KeptOfUser(ctx, s.pool, id)
	if pg.NoRows(err) {
		return Export{}, ErrNotFound
	}
	if err != nil {
		return Export{}, fmt.Errorf("read what is kept of user %s: %w", id, pg.Fault(err))
	}
	out := Export{Record: record, KeepsLocalPassword: row.KeepsLocalPassword}
	if json.Unmarshal(row.ProviderData, &out.ProviderData) != nil {
		out.ProviderData = nil // the platform's own
	}
	if row.SetAsideAt != nil {
		out.SetAside = &SetAside{Reason: or(row.SetAsideReason, ""), At: *row.SetAsideAt}
	}
	if row.ClaimedAt != nil {
		out.Move = &Move{ClaimedAt: *row.ClaimedAt, FailedAt: row.FailedAt, Failure: or(row.Failure, "")}
	}
	return out, nil
}
