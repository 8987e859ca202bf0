package intent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
)

// Kind never changes its meaning.
type Kind string

// Kinds.
const (
	Password Kind = "password"
	Bring    Kind = "bring" // A7
	Delete   Kind = "delete"
	Change   Kind = "change"
	Displace Kind = "displace" // M6
	Move     Kind = "move"     // M2
)

// Intent is a planned change.
type Intent struct {
	ID          uuid.UUID
	Kind        Kind
	UserID      uuid.UUID
	FirebaseUID string
	// PasswordAt is the last change before: of Move here, else at Firebase.
	PasswordAt time.Time
	Change     json.RawMessage
	Actor      string
	RequestID  string
	Began      time.Time // by PostgreSQL's clock
	Age        time.Duration
}

// ErrEnded says: complete or withdrawn.
var ErrEnded = errors.New("this change at Firebase is not under way any more")

// Log is safe for concurrent use.
type Log struct {
	pool    *pgxpool.Pool
	queries *db.Queries
	enqueue func(ctx context.Context, tx pgx.Tx, i Intent) error
}

// NewLog takes enqueue, which adds the intent's job in the same transaction.
func NewLog(pool *pgxpool.Pool, enqueue func(ctx context.Context, tx pgx.Tx, i Intent) error) *Log {
	return &Log{pool: pool, queries: db.New(), enqueue: enqueue}
}

// Begin commits an intent. After an error the caller must not call Firebase.
func (l *Log) Begin(ctx context.Context, i Intent) (Intent, error) {
	err := pg.InTx(ctx, l.pool, func(tx pgx.Tx) (err error) {
		i, err = l.BeginIn(ctx, tx, i)
		return err
	})
	if err != nil {
		return Intent{}, fmt.Errorf("write down a change of user %s at Firebase: %w", i.UserID, pg.Fault(err))
	}
	return i, nil
}

// BeginIn is Begin in a transaction, which must commit before the call.
func (l *Log) BeginIn(ctx context.Context, tx pgx.Tx, i Intent) (Intent, error) {
	i.ID, i.RequestID = uuid.New(), telemetry.RequestID(ctx)
	params := db.InsertIntentParams{
		ID: i.ID, Kind: string(i.Kind), UserID: i.UserID, FirebaseUID: i.FirebaseUID, Change: i.Change, Actor: i.Actor,
	}
	if !i.PasswordAt.IsZero() {
		params.PasswordAt = &i.PasswordAt
	}
	if i.RequestID != "" {
		params.RequestID = &i.RequestID
	}
	var err error
	if i.Began, err = l.queries.InsertIntent(ctx, tx, params); err != nil {
		return Intent{}, err
	}
	return i, l.enqueue(ctx, tx, i)
}

// End removes an intent. ended is false where another process did.
func (l *Log) End(ctx context.Context, tx db.DBTX, id uuid.UUID) (ended bool, err error) {
	n, err := l.queries.EndIntent(ctx, tx, id)
	if err != nil {
		return false, fmt.Errorf("end the change %s: %w", id, err)
	}
	return n > 0, nil
}

// EndChange also ends the row's earlier changes, which returned errors.
func (l *Log) EndChange(ctx context.Context, tx db.DBTX, i Intent) error {
	if _, err := l.End(ctx, tx, i.ID); err != nil {
		return err
	}
	if err := l.queries.EndOtherChanges(ctx, tx, db.EndOtherChangesParams{UserID: i.UserID, ID: i.ID}); err != nil {
		return fmt.Errorf("end the changes before %s: %w", i.ID, err)
	}
	return nil
}

// EndPassword also reports whether a later request has set the password.
func (l *Log) EndPassword(ctx context.Context, tx db.DBTX, id uuid.UUID) (ended, setSince bool, err error) {
	setSince, err = l.queries.EndPasswordIntent(ctx, tx, id)
	if pg.NoRows(err) {
		return false, false, nil
	}
	if err != nil {
		return false, false, fmt.Errorf("end the change %s: %w", id, err)
	}
	return true, setSince, nil
}

// Redate corrects when the row's password was set: the password is the same.
func (l *Log) Redate(ctx context.Context, tx db.DBTX, id uuid.UUID, former *time.Time, set time.Time) error {
	err := l.queries.RedatePasswordIntents(ctx, tx, db.RedatePasswordIntentsParams{UserID: id, FormerSetAt: former, SetAt: set})
	if err != nil {
		return fmt.Errorf("correct the time of a password in the changes of user %s: %w", id, err)
	}
	return nil
}

// Drop ends an intent without a local half.
func (l *Log) Drop(ctx context.Context, id uuid.UUID) error {
	if _, err := l.End(ctx, l.pool, id); err != nil {
		return pg.Fault(err)
	}
	return nil
}

const withdrawTime = time.Second

// Withdraw drops a refused intent. After an outage the intent stays.
func (l *Log) Withdraw(ctx context.Context, id uuid.UUID, why error) {
	if code := fault.CodeOf(why); code == fault.DependencyUnavailable || code == fault.Internal {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawTime)
	defer cancel()
	_ = l.Drop(ctx, id)
}

// Read may return ErrEnded.
func (l *Log) Read(ctx context.Context, id uuid.UUID) (Intent, error) {
	row, err := l.queries.IntentUnderWay(ctx, l.pool, id)
	if pg.NoRows(err) {
		return Intent{}, ErrEnded
	}
	if err != nil {
		return Intent{}, fmt.Errorf("read the change %s: %w", id, pg.Fault(err))
	}
	i := Intent{
		ID: row.ID, Kind: Kind(row.Kind), UserID: row.UserID, FirebaseUID: row.FirebaseUID, Change: row.Change, Actor: row.Actor,
		Began: row.BeganAt, Age: time.Duration(row.AgeSeconds * float64(time.Second)),
	}
	if row.PasswordAt != nil {
		i.PasswordAt = *row.PasswordAt
	}
	if row.RequestID != nil {
		i.RequestID = *row.RequestID
	}
	return i, nil
}
