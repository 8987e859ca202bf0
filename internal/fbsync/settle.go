package fbsync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"auth-v2-service/internal/intent"
	"auth-v2-service/internal/telemetry"
)

// intentJob is the job that completes a change at Firebase whose request did not. It holds ids only.
type intentJob struct {
	IntentID uuid.UUID `json:"intent_id"`
	UserID   uuid.UUID `json:"user_id"`
}

// Kind implements river.JobArgs. It is written in rows, and never changes.
func (intentJob) Kind() string { return "firebase_intent" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (intentJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueSync, MaxAttempts: maxAttempts}
}

// The ages of an intent. Its request ends it within firstLook, as a rule. A request that Firebase has not carried out by tooOld will
// not be carried out any more: its process has given it up, or is gone.
const (
	firstLook  = 5 * time.Second
	soonUntil  = 20 * time.Second
	soonAgain  = 4 * time.Second // River waits this long without its leader, which a killed process may have been
	laterAgain = 20 * time.Second
	tooOld     = 2 * time.Minute
)

// EnqueueIntent enqueues the job of an intent, in the transaction that writes the intent. Nothing is left to do for the job where the
// request ends the intent itself.
func (d *Outbox) EnqueueIntent(ctx context.Context, tx pgx.Tx, i intent.Intent) error {
	job := intentJob{IntentID: i.ID, UserID: i.UserID}
	return d.insertIntent(ctx, tx, job, &river.InsertOpts{ScheduledAt: i.Began.Add(firstLook)})
}

func (d *Outbox) insertIntent(ctx context.Context, tx pgx.Tx, job intentJob, o *river.InsertOpts) error {
	if _, err := d.river.InsertTx(ctx, tx, job, o); err != nil {
		return fmt.Errorf("enqueue the change %s of user %s at Firebase: %w", job.IntentID, job.UserID, err)
	}
	return nil
}

// settler works these jobs.
type settler struct {
	river.WorkerDefaults[intentJob]
	intents *intent.Log
	settle  func(ctx context.Context, i intent.Intent) (settled bool, err error)
	log     *slog.Logger
}

// Work completes a change that Firebase has made. Where Firebase shows no change it looks again for a while, since a request may be
// on its way, and then takes the intent back: nothing has changed on either side.
func (s *settler) Work(ctx context.Context, job *river.Job[intentJob]) error {
	i, err := s.intents.Read(ctx, job.Args.IntentID)
	if errors.Is(err, intent.ErrEnded) {
		return nil
	}
	if err != nil {
		return again(ctx, s.log, job.JobRow, job.Args.UserID, err)
	}
	ctx = context.WithValue(ctx, telemetry.RequestIDKey{}, i.RequestID) // the audit names the request that asked for the change
	settled, err := s.settle(ctx, i)
	if err == nil && !settled && i.Age > tooOld && i.Kind != intent.Move { // a move is settled when its claim lapses, however late
		err = s.intents.Drop(ctx, i.ID)
		settled = err == nil
	}
	switch {
	case err != nil:
		return again(ctx, s.log, job.JobRow, job.Args.UserID, err)
	case settled:
		s.log.InfoContext(ctx, "a change at Firebase that was cut short is settled",
			telemetry.FieldUserID, i.UserID, telemetry.FieldIntent, string(i.Kind))
		return nil
	case i.Age < soonUntil:
		return river.JobSnooze(soonAgain)
	}
	return river.JobSnooze(laterAgain)
}
