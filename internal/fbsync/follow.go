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

// Accounts is the part of firebase.Client in use.
type Accounts interface {
	User(ctx context.Context, uid string) (firebase.User, error)
	SetState(ctx context.Context, uid string, to firebase.State) error
	List(ctx context.Context, page string) (users []firebase.User, next string, err error)
}

type follower struct {
	river.WorkerDefaults[syncJob]
	pool     *pgxpool.Pool
	queries  *db.Queries
	accounts Accounts
	log      *slog.Logger
	now      func() time.Time // Firebase's
}

// rounds bounds restarts after concurrent changes.
const rounds = 5

// Work brings Firebase to the row's state (S3).
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

// apply never recreates a missing account: reconciling handles it.
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

// end completes the job unless the row has changed. A change locks the row before it enqueues: either end sees it, or the change adds a
// new job.
func (f *follower) end(ctx context.Context, job *river.Job[syncJob], seen state) (done bool, err error) {
	err = pg.InTx(ctx, f.pool, func(tx pgx.Tx) error {
		if err := f.queries.LockUser(ctx, tx, job.Args.UserID); err != nil {
			return err
		}
		is, err := f.read(ctx, tx, job.Args.UserID) // a separate statement sees what the lock waited for
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

// again snoozes during outages and throttling, which count no attempt.
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
