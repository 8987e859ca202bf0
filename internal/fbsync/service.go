package fbsync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/clock"
	"auth-v2-service/internal/intent"
	"auth-v2-service/internal/sleep"
	"auth-v2-service/internal/telemetry"
)

// Each time is below the next.
const (
	jobTimeout   = 30 * time.Second
	rescueAfter  = time.Minute
	softStop     = 2 * time.Second
	stopPatience = 3 * time.Second
)

// Google's quota is the project's: a job takes two calls.
const maxWorkers = 8

const (
	keepDone = time.Hour
	keepDead = 90 * 24 * time.Hour
)

// Options configure a Service. OnCount and Clocks are optional.
type Options struct {
	// Pool must not use a transaction pooler: River listens (D6).
	Pool     *pgxpool.Pool
	Accounts Accounts
	Project  Project
	// Settle does an intent's local half, if Firebase has done its own.
	Intents *intent.Log
	Settle  func(ctx context.Context, i intent.Intent) (settled bool, err error)
	// Runs may be nil: then this service carries none.
	Runs   Runs
	Clocks *clock.Clocks
	// OnCount receives the counts for metrics.
	OnCount func(waiting, dead int64, oldest time.Duration)
	Logger  *slog.Logger
}

// Service runs the jobs. Instances share them.
type Service struct {
	pool    *pgxpool.Pool
	river   *river.Client[pgx.Tx]
	project Project
	runs    Runs
	onCount func(waiting, dead int64, oldest time.Duration)
	log     *slog.Logger
}

// New returns a service. Run starts it.
func New(o Options) (*Service, error) {
	if o.Clocks == nil {
		o.Clocks = clock.New(clock.Options{})
	}
	workers := river.NewWorkers()
	follower := &follower{pool: o.Pool, queries: db.New(), accounts: o.Accounts, log: o.Logger, now: o.Clocks.FirebaseNow}
	if err := river.AddWorkerSafely(workers, follower); err != nil {
		return nil, fmt.Errorf("set up the jobs: %w", err)
	}
	if err := river.AddWorkerSafely(workers, &settler{intents: o.Intents, settle: o.Settle, log: o.Logger}); err != nil {
		return nil, fmt.Errorf("set up the jobs: %w", err)
	}
	queues := map[string]river.QueueConfig{queueSync: {MaxWorkers: maxWorkers}}
	if o.Runs != nil {
		if err := river.AddWorkerSafely(workers, &carrier{runs: o.Runs, log: o.Logger}); err != nil {
			return nil, fmt.Errorf("set up the jobs: %w", err)
		}
		queues[queueRuns] = river.QueueConfig{MaxWorkers: 1}
	}
	client, err := river.NewClient(riverpgxv5.New(o.Pool), &river.Config{
		Schema: riverSchema, Workers: workers, Queues: queues,
		RetryPolicy: patience{}, JobTimeout: jobTimeout, RescueStuckJobsAfter: rescueAfter, SoftStopTimeout: softStop,
		CompletedJobRetentionPeriod: keepDone, DiscardedJobRetentionPeriod: keepDead,
		ReindexerIndexNames: []string{}, // only an index's owner may rebuild it
		Logger:              slog.New(atLeastWarn{o.Logger.Handler()}),
	})
	if err != nil {
		return nil, fmt.Errorf("set up the jobs: %w", err)
	}
	return &Service{pool: o.Pool, river: client, project: o.Project, runs: o.Runs, onCount: o.OnCount, log: o.Logger}, nil
}

// Run works until ctx ends, then lets running jobs finish. It waits for the database, and works no other project's jobs.
func (s *Service) Run(ctx context.Context) error {
	for {
		err := s.start(ctx)
		if err == nil {
			break
		}
		wait := time.Second
		if wrong := (*WrongProjectError)(nil); errors.As(err, &wrong) {
			wait = time.Minute
		}
		s.log.WarnContext(ctx, "what we owe Firebase waits", telemetry.FieldError, err)
		if sleep.Context(ctx, wait) != nil {
			return nil
		}
	}
	if s.runs != nil {
		var looking sync.WaitGroup
		looking.Go(func() { s.lookForRuns(ctx) })
		looking.Go(func() { s.settleLapsed(ctx) })
		defer looking.Wait()
	}
	s.count(ctx)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
	defer cancel()
	if err := s.river.Stop(stopping); err != nil {
		s.log.WarnContext(ctx, "a job did not end in time; it will be taken up again", telemetry.FieldError, err)
	}
	return nil
}

const countEvery = 15 * time.Second

func (s *Service) count(ctx context.Context) {
	if s.onCount == nil {
		<-ctx.Done()
		return
	}
	for {
		row, err := db.New().OwedSummary(ctx, s.pool)
		if err == nil {
			s.onCount(row.Waiting, row.Dead, time.Duration(row.OldestSeconds*float64(time.Second)))
		} else if ctx.Err() == nil {
			s.log.DebugContext(ctx, "what we owe Firebase cannot be counted", telemetry.FieldError, err)
		}
		if sleep.Context(ctx, countEvery) != nil {
			return
		}
	}
}

func (s *Service) start(ctx context.Context) error {
	if err := remember(ctx, s.pool, s.project); err != nil {
		return err
	}
	return s.river.Start(ctx) // a soft stop, which also frees a hanging start
}

type atLeastWarn struct{ slog.Handler }

// Enabled implements slog.Handler.
func (h atLeastWarn) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

// WithAttrs implements slog.Handler.
func (h atLeastWarn) WithAttrs(attrs []slog.Attr) slog.Handler {
	return atLeastWarn{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h atLeastWarn) WithGroup(name string) slog.Handler {
	return atLeastWarn{h.Handler.WithGroup(name)}
}
