package balance

import (
	"context"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/operator"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
)

const (
	// maxAmount fits every client's numbers.
	maxAmount = 1<<53 - 1
	// in characters
	maxReason = 200
	// in bytes
	maxKey   = 255
	keyIndex = "idx_ledger_entries_idempotency_key"
)

// Refusals of a change.
var (
	ErrNotFound     = fault.New(fault.NotFound, "there is no such user")
	ErrInsufficient = fault.New(fault.InsufficientBalance, "the balance is too low for this")
	ErrOverflow     = fault.New(fault.BalanceOverflow, "the balance would grow beyond 2147483647")
	ErrKeyReused    = fault.New(fault.IdempotencyConflict, "this Idempotency-Key was used for another change of this balance")
	ErrInvalid      = fault.Invalid("the change is not valid")
)

var errBusy = fault.Unavailable("balances cannot be changed at the moment; try again shortly", nil)

// Change credits a positive Amount and debits a negative one.
type Change struct {
	UserID uuid.UUID
	Amount int64
	Reason string
	Caller string
	Key    string // idempotency key per caller and user
	// AsAdmin adds an audit event (O4); the ledger alone records a service's charges.
	AsAdmin bool
	By      operator.Operator
}

// Changed is a result.
type Changed struct {
	Balance  int32
	Replayed bool
}

// Change applies a change once (W1, W2). The row's lock and the key's unique index decide all races. A repetition returns the first result.
// A refusal does not use up the key. Errors: ErrInvalid, ErrNotFound, ErrInsufficient, ErrOverflow, ErrKeyReused, those of operator.Hold,
// or dependency_unavailable.
func (s *Service) Change(ctx context.Context, c Change) (Changed, error) {
	if err := c.valid(); err != nil {
		return Changed{}, err
	}
	select {
	case s.changing <- struct{}{}:
		defer func() { <-s.changing }()
	case <-ctx.Done():
		return Changed{}, errBusy.With(ctx.Err())
	}
	row, err := s.make(ctx, c)
	switch {
	case pg.NoRows(err), pg.UniqueViolation(err) == keyIndex:
		return s.unchanged(ctx, c)
	case err != nil:
		return Changed{}, fmt.Errorf("change the balance of user %s: %w", c.UserID, pg.Fault(err))
	case row.Replayed:
		return c.repeated(row.Amount, row.Reason, row.BalanceAfter)
	}
	s.onChange(ctx, c.UserID)
	return Changed{Balance: row.BalanceAfter}, nil
}

// make holds an operator's rows until the commit (O4).
func (s *Service) make(ctx context.Context, c Change) (row db.ChangeBalanceRow, err error) {
	params := db.ChangeBalanceParams{
		UserID: c.UserID, Amount: c.Amount, Reason: c.Reason, Caller: c.Caller, IdempotencyKey: c.Key,
		AdminID: c.By.Admin, KeyID: c.By.Key,
	}
	if !c.AsAdmin {
		return s.queries.ChangeBalance(ctx, s.pool, params)
	}
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := operator.Hold(ctx, tx, c.By, c.UserID); err != nil {
			return err
		}
		if row, err = s.queries.ChangeBalance(ctx, tx, params); err != nil || row.Replayed {
			return err
		}
		return audit.Record(ctx, tx, audit.Event{
			Action: "balance.changed", Actor: c.Caller, UserID: c.UserID, RequestID: telemetry.RequestID(ctx),
			Details: map[string]any{"amount": c.Amount, "balance": row.BalanceAfter},
		})
	})
	return row, err
}

// unchanged says why. A concurrent use of the key has committed by now, so this statement sees it.
func (s *Service) unchanged(ctx context.Context, c Change) (Changed, error) {
	row, err := s.queries.UnchangedBalance(ctx, s.pool, db.UnchangedBalanceParams{
		UserID: c.UserID, Caller: c.Caller, IdempotencyKey: c.Key, AdminID: c.By.Admin, KeyID: c.By.Key,
	})
	switch {
	case err != nil:
		return Changed{}, fmt.Errorf("look at the balance of user %s: %w", c.UserID, pg.Fault(err))
	case !row.Operates && c.By.Key != "":
		return Changed{}, operator.ErrKeyRevoked
	case !row.Operates:
		return Changed{}, operator.ErrNotAdmin
	case row.Amount != nil:
		return c.repeated(*row.Amount, *row.Reason, *row.BalanceAfter) // ledger_entries_change_check
	case !row.Stands:
		return Changed{}, ErrNotFound
	case c.Amount < 0:
		return Changed{}, ErrInsufficient
	}
	return Changed{}, ErrOverflow
}

func (c Change) repeated(amount int64, reason string, balance int32) (Changed, error) {
	if amount != c.Amount || reason != c.Reason {
		return Changed{}, ErrKeyReused
	}
	return Changed{Balance: balance, Replayed: true}, nil
}

func (c Change) valid() error {
	var faults []fault.Field
	if c.Amount == 0 || c.Amount > maxAmount || c.Amount < -maxAmount {
		faults = append(faults, fault.Field{Field: "amount", Message: "must be a whole number other than 0"})
	}
	if n := utf8.RuneCountInString(c.Reason); n == 0 || n > maxReason || !printable(c.Reason) {
		faults = append(faults, fault.Field{Field: "reason", Message: "must be 1 to 200 characters, none of them a control character"})
	}
	if !visible(c.Key) {
		faults = append(faults, fault.Field{Field: "Idempotency-Key", Message: "must be 1 to 255 visible ASCII characters"})
	}
	if len(faults) == 0 {
		return nil
	}
	refusal := *ErrInvalid
	refusal.Fields = faults
	return &refusal
}

func printable(text string) bool {
	for _, r := range text {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return false
		}
	}
	return true
}

func visible(key string) bool {
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return false
		}
	}
	return key != "" && len(key) <= maxKey
}
