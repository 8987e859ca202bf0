package fbsync

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"auth-v2-service/gen/db"
)

// riverSchema is where River's tables are.
const riverSchema = "auth"

// syncJob is the job: nothing but whose row Firebase is to follow.
type syncJob struct {
	UserID uuid.UUID `json:"user_id" river:"unique"`
}

// Kind implements river.JobArgs. It is written in rows, and never changes.
func (syncJob) Kind() string { return kindSync }

const (
	kindSync  = "firebase_state"
	queueSync = "firebase"
)

// maxAttempts bounds how often a refusal that time does not mend is tried; an outage of Firebase does not count.
const maxAttempts = 25

// underWay are the states in which a job still runs for whatever changes meanwhile, so that a second one would be idle.
var underWay = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning,
	rivertype.JobStateScheduled,
}

// InsertOpts implements river.JobArgsWithInsertOpts: of one user there is one job.
func (syncJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{
		Queue: queueSync, MaxAttempts: maxAttempts,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: underWay},
	}
}

// Outbox writes down what we owe Firebase. Safe for concurrent use.
type Outbox struct {
	pool    *pgxpool.Pool
	queries *db.Queries
	river   *river.Client[pgx.Tx]
}

// NewOutbox needs no connection yet. The pool may lead through a transaction pooler (D6).
func NewOutbox(pool *pgxpool.Pool) (*Outbox, error) {
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Schema: riverSchema, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("set up the jobs: %w", err)
	}
	return &Outbox{pool: pool, queries: db.New(), river: client}, nil
}

// Enqueue enqueues "bring Firebase to this row's state" in the transaction that has changed the row. It comes after the statement that
// changes: that statement's lock is what keeps a job that runs at this moment from ending without the change. Rows that Firebase
// does not know cost the same; their job finds nothing to do.
func (d *Outbox) Enqueue(ctx context.Context, tx pgx.Tx, userID uuid.UUID) error {
	if _, err := d.river.InsertTx(ctx, tx, syncJob{UserID: userID}, nil); err != nil {
		return fmt.Errorf("owe Firebase the state of user %s: %w", userID, err)
	}
	return nil
}
