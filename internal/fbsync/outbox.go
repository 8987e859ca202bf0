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

const riverSchema = "auth"

type syncJob struct {
	UserID uuid.UUID `json:"user_id" river:"unique"`
}

// Kind is stored in rows and never changes.
func (syncJob) Kind() string { return kindSync }

const (
	kindSync  = "firebase_state"
	queueSync = "firebase"
)

// maxAttempts counts refusals, not outages.
const maxAttempts = 25

// In these states a job still sees later changes.
var underWay = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning,
	rivertype.JobStateScheduled,
}

// InsertOpts allows one job a user.
func (syncJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{
		Queue: queueSync, MaxAttempts: maxAttempts,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: underWay},
	}
}

// Outbox stores pending updates of Firebase. It is safe for concurrent use.
type Outbox struct {
	pool    *pgxpool.Pool
	queries *db.Queries
	river   *river.Client[pgx.Tx]
}

// NewOutbox does not connect. A transaction pooler will do (D6).
func NewOutbox(pool *pgxpool.Pool) (*Outbox, error) {
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Schema: riverSchema, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("set up the jobs: %w", err)
	}
	return &Outbox{pool: pool, queries: db.New(), river: client}, nil
}

// Enqueue adds the user's job in tx. Call it after the statement that changes the row: its lock keeps a running job from ending.
func (d *Outbox) Enqueue(ctx context.Context, tx pgx.Tx, userID uuid.UUID) error {
	if _, err := d.river.InsertTx(ctx, tx, syncJob{UserID: userID}, nil); err != nil {
		return fmt.Errorf("owe Firebase the state of user %s: %w", userID, err)
	}
	return nil
}
