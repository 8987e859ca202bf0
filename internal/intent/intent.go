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

// Kind says which change at Firebase an intent is about. It is written in rows, and never changes its meaning.
type Kind string

// The kinds of intents.
const (
	Password Kind = "password" // a new password, by change or by reset
	Bring    Kind = "bring"    // the local password, for an account that has none (A7)
	Delete   Kind = "delete"   // the account goes
	Change   Kind = "change"   // another address, and what else an operator changes with it
	Displace Kind = "displace" // an account that nobody has proved to own gives its address away (M6)
	Move     Kind = "move"     // the import of a local user (M2)
)

// Intent is a change at Firebase that is about to be made.
type Intent struct {
	ID          uuid.UUID
	Kind        Kind
	UserID      uuid.UUID
	FirebaseUID string // of the account that changes
	// PasswordAt is when the password was last set before the change: at Firebase, or of Move here. Zero: never. Where a later look
	// finds another time, a new password has been set since.
	PasswordAt time.Time
	Change     json.RawMessage // of Change
	Actor      string          // as the audit names the caller
	RequestID  string
	Began      time.Time     // by PostgreSQL's clock
	Age        time.Duration // of an intent that was read
}

// ErrEnded says that an intent is complete, or was withdrawn.
var ErrEnded = errors.New("this change at Firebase is not under way any more")

// Log writes intents down. Safe for concurrent use.
type Log struct {
	pool    *pgxpool.Pool
	queries *db.Queries
	enqueue func(ctx context.Context, tx pgx.Tx, i Intent) error
}

// NewLog makes a log. enqueue adds, in the transaction that writes an intent, the job that completes it.
func NewLog(pool *pgxpool.Pool, enqueue func(ctx context.Context, tx pgx.Tx, i Intent) error) *Log {
	return &Log{pool: pool, queries: db.New(), enqueue: enqueue}
}

// Begin writes an intent and its job, and commits both. The caller has proved by then that the change may be made, and asks
// Firebase next. ID, Began and RequestID are set here. On an error nothing is written, and Firebase must not be asked.
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

// BeginIn is Begin in the caller's transaction, which must be committed before Firebase is asked.
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

// End takes an intent away in the transaction that makes our half of the change. ended is false where another one has done both.
func (l *Log) End(ctx context.Context, tx db.DBTX, id uuid.UUID) (ended bool, err error) {
	n, err := l.queries.EndIntent(ctx, tx, id)
	if err != nil {
		return false, fmt.Errorf("end the change %s: %w", id, err)
	}
	return n > 0, nil
}

// EndChange is End for the request of an operator's change. It ends the earlier ones of the row, too: their operators were told that they
// have not been made, and this one must not complete them.
func (l *Log) EndChange(ctx context.Context, tx db.DBTX, i Intent) error {
	if _, err := l.End(ctx, tx, i.ID); err != nil {
		return err
	}
	if err := l.queries.EndOtherChanges(ctx, tx, db.EndOtherChangesParams{UserID: i.UserID, ID: i.ID}); err != nil {
		return fmt.Errorf("end the changes before %s: %w", i.ID, err)
	}
	return nil
}

// EndPassword is End for the job of an intent about a password. setSince says that another request has set the row's password since the
// intent began: our half of a later change is made, and this intent needs none.
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

// Drop ends an intent that needs no half of ours.
func (l *Log) Drop(ctx context.Context, id uuid.UUID) error {
	if _, err := l.End(ctx, l.pool, id); err != nil {
		return pg.Fault(err)
	}
	return nil
}

// withdrawTime bounds a withdrawal, which the caller's end does not stop.
const withdrawTime = time.Second

// Withdraw takes an intent back that Firebase has refused, as why says. After an outage the outcome is unknown, and the intent
// stays for its job to find out. So does one that cannot be taken back at this moment: its job finds that nothing has changed.
func (l *Log) Withdraw(ctx context.Context, id uuid.UUID, why error) {
	if code := fault.CodeOf(why); code == fault.DependencyUnavailable || code == fault.Internal {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawTime)
	defer cancel()
	_ = l.Drop(ctx, id)
}

// Read gives an intent with its age. ErrEnded when it is over.
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
