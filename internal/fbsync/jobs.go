package fbsync

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/operator"
	"auth-v2-service/internal/page"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
)

// ErrNoJob says that there is no such job, or no longer.
var ErrNoJob = fault.New(fault.NotFound, "there is no such job")

// Job is a user whose state Firebase was told without success.
type Job struct {
	ID        int64
	UserID    uuid.UUID
	Dead      bool // given up
	Tries     int64
	LastError string // a code, or a refusal in our words: no personal data
	CreatedAt time.Time
	NextTry   time.Time
}

// JobQuery says which jobs are asked for. Dead nil: all; Limit is required.
type JobQuery struct {
	Dead   *bool
	Cursor string
	Limit  page.Size
}

// place is the job that a page goes on after.
type place struct {
	After int64 `json:"after"`
}

// Jobs reads a page of what Firebase does not follow, the oldest first, and gives the cursor of the page after; "": this was the last.
// page.ErrInvalidCursor for a cursor that no page gave.
func (d *Outbox) Jobs(ctx context.Context, q JobQuery) (jobs []Job, next string, err error) {
	var from place
	if err := page.Decode(q.Cursor, &from); err != nil {
		return nil, "", err
	}
	rows, err := d.queries.OwedJobs(ctx, d.pool, db.OwedJobsParams{After: from.After, Dead: q.Dead, Most: q.Limit.OneMore()})
	if err != nil {
		return nil, "", fmt.Errorf("list what is owed: %w", pg.Fault(err))
	}
	rows, last := page.Trim(rows, q.Limit)
	if last != nil {
		next = page.Encode(place{After: last.ID})
	}
	for _, row := range rows {
		jobs = append(jobs, Job{
			ID: row.ID, UserID: row.UserID, Dead: row.Dead, Tries: row.Tries, LastError: cmp.Or(row.Refusal, row.WaitsFor),
			CreatedAt: row.CreatedAt, NextTry: row.ScheduledAt,
		})
	}
	return jobs, next, nil
}

// Retry has a job tried now, by an operator, and records that. What was given up is owed anew: meanwhile another job of the same
// user may be under way, and one is enough. ErrNoJob where there is none, or it is done.
func (d *Outbox) Retry(ctx context.Context, id int64, by operator.Operator) error {
	err := pg.InTx(ctx, d.pool, func(tx pgx.Tx) error { return d.retryIn(ctx, tx, id, by) })
	if pg.NoRows(err) {
		return ErrNoJob
	}
	if err != nil {
		return fmt.Errorf("retry job %d: %w", id, pg.Fault(err))
	}
	return nil
}

func (d *Outbox) retryIn(ctx context.Context, tx pgx.Tx, id int64, by operator.Operator) error {
	if _, err := operator.Hold(ctx, tx, by); err != nil {
		return err
	}
	job, err := d.queries.OwedJob(ctx, tx, id)
	if err != nil {
		return err
	}
	if job.Dead {
		if _, err := d.river.JobDeleteTx(ctx, tx, id); err != nil {
			return err
		}
		if err := d.oweAgain(ctx, tx, job); err != nil {
			return err
		}
	} else if _, err := d.river.JobRetryTx(ctx, tx, id); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Event{
		Action: "job.retried", Actor: by.Actor, UserID: job.UserID, RequestID: telemetry.RequestID(ctx), Details: map[string]any{"dead": job.Dead},
	})
}

func (d *Outbox) oweAgain(ctx context.Context, tx pgx.Tx, job db.OwedJobRow) error {
	if job.IntentID == uuid.Nil {
		return d.Enqueue(ctx, tx, job.UserID)
	}
	return d.insertIntent(ctx, tx, intentJob{IntentID: job.IntentID, UserID: job.UserID}, nil)
}
