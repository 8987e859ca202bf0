package fbsync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
)

// Accounts is what this room asks of Firebase: firebase.Client. Their errors are that package's.
type Accounts interface {
	User(ctx context.Context, uid string) (firebase.User, error)
	SetState(ctx context.Context, uid string, to firebase.State) error
	List(ctx context.Context, page string) (users []firebase.User, next string, err error)
}

// follower works the jobs.
type follower struct {
	river.WorkerDefaults[syncJob]
	pool     *pgxpool.Pool
	queries  *db.Queries
	accounts Accounts
	log      *slog.Logger
	now      func() time.Time // Firebase's
}

// rounds bounds how often a job starts again because the row has changed under it; then it makes room for others.
const rounds = 5

// Work brings Firebase to the row's state, until the row says nothing else any more (S3).
func (f *follower) Work(ctx context.Context, job *river.Job[syncJob]) error {
	id := job.Args.UserID
	for range rounds {
		seen, err := f.read(ctx, f.pool, id)
		if err != nil {
			return again(ctx, f.log, job.JobRow, id, err)
		}
		if err := f.apply(ctx, id, seen); err != nil {
			return again(ctx, f.log, job.JobRow, id, err)
		}
		done, err := f.end(ctx, job, seen)
		if err != nil {
			return again(ctx, f.log, job.JobRow, id, err)
		}
		if done {
			return nil
		}
	}
	return river.JobSnooze(0)
}

// read gives the row's state; none at all where nobody is there any more.
func (f *follower) read(ctx context.Context, from db.DBTX, id uuid.UUID) (state, error) {
	row, err := f.queries.OwedState(ctx, from, id)
	if pg.NoRows(err) {
		return state{}, nil
	}
	if err != nil {
		return state{}, fmt.Errorf("read what user %s is: %w", id, pg.Fault(err))
	}
	return stateOf(row), nil
}

// apply makes at Firebase what is due. It looks first: the account may have what it needs, and what is higher there stays. An
// account that is gone is nobody's debt: reconciling finds it, and it is never made again.
func (f *follower) apply(ctx context.Context, id uuid.UUID, s state) error {
	if s.uid == "" {
		return nil
	}
	account, err := f.accounts.User(ctx, s.uid)
	if err == nil {
		change, differs := due(s, account, f.now())
		if !differs {
			return nil
		}
		err = f.accounts.SetState(ctx, s.uid, change)
	}
	if errors.Is(err, firebase.ErrUserNotFound) {
		if !s.registering {
			f.log.WarnContext(ctx, "an account is gone at Firebase; reconciling will look at it", telemetry.FieldUserID, id)
		}
		return nil
	}
	return err
}

// end completes the job, unless the row has changed since it was seen. Whoever changes the row locks it before it enqueues: so
// either its commit comes first and is seen here, or it waits for this one and then finds no job in its way.
func (f *follower) end(ctx context.Context, job *river.Job[syncJob], seen state) (done bool, err error) {
	err = pg.InTx(ctx, f.pool, func(tx pgx.Tx) error {
		if err := f.queries.LockUser(ctx, tx, job.Args.UserID); err != nil {
			return err
		}
		is, err := f.read(ctx, tx, job.Args.UserID) // a statement of its own: it sees what the lock was waited for
		if err != nil || is != seen {
			return err
		}
		if err := f.queries.EnabledAtFirebase(ctx, tx, job.Args.UserID); err != nil {
			return err
		}
		_, err = river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job)
		done = err == nil
		return err
	})
	if err != nil {
		return false, fmt.Errorf("end what was owed of user %s: %w", job.Args.UserID, pg.Fault(err))
	}
	return done, nil
}

// again decides when a job that failed is tried again. While Firebase or the database is away, or Google throttles us, it waits
// and counts no attempt: an outage of any length delays it and loses nothing. What time does not mend counts, and is given up in
// the end, for people to see.
func again(ctx context.Context, log *slog.Logger, job *rivertype.JobRow, userID uuid.UUID, err error) error {
	code := fault.CodeOf(err)
	log.InfoContext(ctx, "Firebase does not follow yet", telemetry.FieldUserID, userID, telemetry.FieldError, err)
	if errors.Is(err, firebase.ErrRefused) || code != fault.DependencyUnavailable && code != fault.RateLimited {
		return err
	}
	if err := river.MetadataSet(ctx, metadataError, string(code)); err != nil {
		return err
	}
	wait := backoff(snoozes(job))
	if throttled := (*fault.Error)(nil); errors.As(err, &throttled) {
		wait = max(wait, throttled.RetryAfter)
	}
	return river.JobSnooze(wait)
}

// metadataError is where a job keeps why it waits: a code.
const metadataError = "last_error"

func snoozes(job *rivertype.JobRow) int {
	var metadata struct {
		Snoozes int `json:"snoozes"`
	}
	if json.Unmarshal(job.Metadata, &metadata) != nil {
		return 0
	}
	return metadata.Snoozes
}
