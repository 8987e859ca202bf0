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

// ErrNoJob reports a missing or completed job.
var ErrNoJob = fault.New(fault.NotFound, "there is no such job")

// Job is an update that Firebase lacks.
type Job struct {
	ID        int64
	UserID    uuid.UUID
	Dead      bool
	Tries     int64
	LastError string // holds no personal data
	CreatedAt time.Time
	NextTry   time.Time
}

// JobQuery selects jobs. A nil Dead means all.
type JobQuery struct {
	Dead   *bool
	Cursor string
	Limit  page.Size
}

type place struct {
	After int64 `json:"after"`
}

// Jobs returns a page, the oldest first, and the next cursor, "" at the end. Error: page.ErrInvalidCursor.
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

// Retry runs a job now and audits that. It replaces a dead job. Error: ErrNoJob.
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
