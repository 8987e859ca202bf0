package fbsync

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"auth-v2-service/internal/sleep"
	"auth-v2-service/internal/telemetry"
)

// Runs is implemented by bulk.Service.
type Runs interface {
	// Carry leaves the run to another carrier when ctx ends.
	Carry(ctx context.Context, id uuid.UUID) error
	ToCarry(ctx context.Context) ([]uuid.UUID, error)
	// SettleLapsed ends moves that a run left behind.
	SettleLapsed(ctx context.Context) error
}

type runJob struct {
	RunID uuid.UUID `json:"run_id" river:"unique"`
}

// Kind is stored in rows and never changes.
func (runJob) Kind() string { return "bulk_run" }

const queueRuns = "runs"

// wakeEvery lets a killed instance's job, which counts as running, block no other for long.
const wakeEvery = 10 * time.Second

// InsertOpts allows one try, and one job a run and wakeEvery: lookForRuns adds another one.
func (runJob) InsertOpts() river.InsertOpts {
	return river.InsertOpts{
		Queue: queueRuns, MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByArgs: true, ByPeriod: wakeEvery, ByState: underWay},
	}
}

// EnqueueRun wakes an instance for a run.
func (d *Outbox) EnqueueRun(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	if _, err := d.river.InsertTx(ctx, tx, runJob{RunID: id}, nil); err != nil {
		return fmt.Errorf("enqueue run %s: %w", id, err)
	}
	return nil
}

type carrier struct {
	river.WorkerDefaults[runJob]
	runs Runs
	log  *slog.Logger
}

// carryTime ends before River's rescue.
const carryTime = 10 * time.Minute

// Timeout implements river.Worker.
func (*carrier) Timeout(*river.Job[runJob]) time.Duration { return carryTime }

// Work carries the run until it ends or pauses. lookForRuns goes on after an error.
func (c *carrier) Work(ctx context.Context, job *river.Job[runJob]) error {
	if err := c.runs.Carry(ctx, job.Args.RunID); err != nil && ctx.Err() == nil {
		c.log.WarnContext(ctx, "this instance stops carrying a run", "run_id", job.Args.RunID, telemetry.FieldError, err)
	}
	return nil
}

const lookForRunsEvery = 2 * time.Second

func (s *Service) lookForRuns(ctx context.Context) {
	for sleep.Context(ctx, lookForRunsEvery) == nil {
		ids, err := s.runs.ToCarry(ctx)
		if err != nil {
			s.log.DebugContext(ctx, "runs cannot be looked for", telemetry.FieldError, err)
		}
		for _, id := range ids {
			if _, err := s.river.Insert(ctx, runJob{RunID: id}, nil); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "a run waits", "run_id", id, telemetry.FieldError, err)
			}
		}
	}
}

const settleLapsedEvery = 15 * time.Second

func (s *Service) settleLapsed(ctx context.Context) {
	for sleep.Context(ctx, settleLapsedEvery) == nil {
		if err := s.runs.SettleLapsed(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "moves that were cut short wait", telemetry.FieldError, err)
		}
	}
}
