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

// intentJob completes an interrupted change at Firebase.
type intentJob struct {
	IntentID uuid.UUID `json:"intent_id"`
	UserID   uuid.UUID `json:"user_id"`
}

// Kind is stored in rows and never changes.
func (intentJob) Kind() string { return "firebase_intent" }

// InsertOpts implements river.JobArgsWithInsertOpts.
func (intentJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueSync, MaxAttempts: maxAttempts}
}

// Ages of an intent. After tooOld, Firebase will not carry it out.
const (
	firstLook  = 5 * time.Second
	soonUntil  = 20 * time.Second
	soonAgain  = 4 * time.Second // River waits this long for a killed leader
	laterAgain = 20 * time.Second
	tooOld     = 2 * time.Minute
)

// EnqueueIntent adds an intent's job in its transaction. The job does nothing if the request ends the intent.
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

type settler struct {
	river.WorkerDefaults[intentJob]
	intents *intent.Log
	settle  func(ctx context.Context, i intent.Intent) (settled bool, err error)
	log     *slog.Logger
}

// Work completes Firebase's change, or drops the intent after tooOld without one.
func (s *settler) Work(ctx context.Context, job *river.Job[intentJob]) error {
	i, err := s.intents.Read(ctx, job.Args.IntentID)
	if errors.Is(err, intent.ErrEnded) {
		return nil
	}
	if err != nil {
		return again(ctx, s.log, job.JobRow, job.Args.UserID, err)
	}
	ctx = context.WithValue(ctx, telemetry.RequestIDKey{}, i.RequestID) // for the audit
	settled, err := s.settle(ctx, i)
	if err == nil && !settled && i.Age > tooOld && i.Kind != intent.Move { // a move is settled when its claim lapses
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
