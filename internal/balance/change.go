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
	// maxAmount is what every client's numbers can hold. The balance's own bound, an int4, is tighter and is the database's.
	maxAmount = 1<<53 - 1
	// maxReason is in characters.
	maxReason = 200
	// maxKey is in bytes.
	maxKey = 255
	// keyIndex is the unique index that decides whether a key has been used.
	keyIndex = "idx_ledger_entries_idempotency_key"
)

// Refusals of a change. Compare with errors.Is.
var (
	ErrNotFound     = fault.New(fault.NotFound, "there is no such user")
	ErrInsufficient = fault.New(fault.InsufficientBalance, "the balance is too low for this")
	ErrOverflow     = fault.New(fault.BalanceOverflow, "the balance would grow beyond 2147483647")
	// ErrKeyReused says that the caller has sent the key before, with another amount or reason.
	ErrKeyReused = fault.New(fault.IdempotencyConflict, "this Idempotency-Key was used for another change of this balance")
	// ErrInvalid names the fields at fault.
	ErrInvalid = fault.Invalid("the change is not valid")
)

// errBusy says that the changes that may run at once all wait, for one user's row most likely.
var errBusy = fault.Unavailable("balances cannot be changed at the moment; try again shortly", nil)

// Change is what a caller wants: Amount above zero credits, below zero debits.
type Change struct {
	UserID uuid.UUID
	Amount int64
	Reason string // 1 to 200 characters, none of them a control character
	Caller string // an actor, as internal/audit names them
	Key    string // the caller's own name for this change of this user's balance: 1 to 255 visible ASCII characters
	// AsAdmin says that an admin does it, which is an act to be audited (O4). A service's charges are on record in the ledger alone.
	AsAdmin bool
	// By is the operator, who is held to the rows by the change's own statement.
	By operator.Operator
}

// Changed is how a change came out, the first time and at every repetition.
type Changed struct {
	Balance  int32 // after it
	Replayed bool  // it had been made before, and was not made again
}

// Change makes a change once (W1, W2): one statement, in which the row's lock and the key's unique index decide all races. A
// repetition with the same amount and reason answers what the first one did. Refusals leave nothing behind, so that the same key
// may be tried again. Errors: ErrInvalid, ErrNotFound, ErrInsufficient, ErrOverflow, ErrKeyReused, operator.ErrNotAdmin,
// operator.ErrKeyRevoked, or dependency_unavailable.
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

// make takes one statement, and for an operator a transaction: whether the operator may still act is decided on rows that are held until
// the change is committed (O4).
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

// unchanged says why nothing was changed. Whoever used the key while the statement waited for the row has committed by now, so
// that this statement sees what that one could not.
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
		return c.repeated(*row.Amount, *row.Reason, *row.BalanceAfter) // an entry with a key has a reason: ledger_entries_change_check
	case !row.Stands:
		return Changed{}, ErrNotFound
	case c.Amount < 0:
		return Changed{}, ErrInsufficient
	}
	return Changed{}, ErrOverflow
}

// repeated holds a repetition against what was made under its key.
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
