package bulk

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/move"
	"auth-v2-service/internal/password"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/sleep"
)

// lease outlasts some lost renewals. A killed carrier's run goes on elsewhere after it.
const (
	lease      = 10 * time.Second
	renewEvery = 500 * time.Millisecond
	// statementTime is below the lease: a hanging statement does not end it.
	statementTime = 2 * time.Second
)

// BatchDone describes a batch for progress. Failed counts outcomes by code.
type BatchDone struct {
	Users, Moved, Skipped, Pending int
	Failed                         map[string]int
	Took                           time.Duration
	Trouble                        error
	Pace                           float64
}

// Carry works until the run is done, paused or stopped, or until ctx ends, which leaves it to another. carrier is the caller. onBatch may be
// nil; calls do not overlap. Errors: ErrCarried, ErrWrongState, ErrOtherTarget, or an outage.
func (s *Service) Carry(ctx context.Context, id, carrier uuid.UUID, onBatch func(BatchDone)) error {
	run, err := s.Read(ctx, id)
	switch {
	case err != nil:
		return err
	case run.Target != s.Target:
		return ErrOtherTarget
	case run.State != Running:
		return ErrWrongState
	}
	if err := s.lease(ctx, s.Pool, id, carrier); err != nil {
		return fmt.Errorf("lease run %s: %w", id, pg.Fault(err))
	}
	w := newWorker(s, run, carrier, onBatch)
	err = w.work(ctx)
	if errors.As(err, &errUnpaused{}) {
		return fmt.Errorf("pause run %s: %w", id, err)
	}
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewEvery)
	defer cancel()
	_ = s.queries.LeaveBulkRun(leaving, s.Pool, db.LeaveBulkRunParams{ID: id, LeaseBy: carrier}) // else it lapses
	return err
}

// ToCarry lists runs into the target that lack a carrier.
func (s *Service) ToCarry(ctx context.Context) ([]uuid.UUID, error) {
	ids, err := s.queries.BulkRunsToCarry(ctx, s.Pool, db.BulkRunsToCarryParams{ProjectID: s.Target.Project, Tenant: s.Target.Tenant})
	if err != nil {
		return nil, fmt.Errorf("look for runs without a carrier: %w", pg.Fault(err))
	}
	return ids, nil
}

type worker struct {
	*Service
	run     Run
	carrier uuid.UUID
	pace    *pace
	budget  *budget
	hasher  *password.Hasher
	onBatch func(BatchDone)
	batches sync.Mutex // around onBatch

	notImported  []int // canaries in a row, by lane
	canaries     sync.Mutex
	canaryFailed bool

	stop    context.CancelFunc // between batches
	stopped atomic.Bool        // not running any more, or without the lease
	track   *track

	unpaused error // why the run could not be paused
}

func newWorker(s *Service, run Run, carrier uuid.UUID, onBatch func(BatchDone)) *worker {
	if onBatch == nil {
		onBatch = func(BatchDone) {}
	}
	w := &worker{
		Service: s, run: run, carrier: carrier, budget: newBudget(run.MaxErrors), onBatch: onBatch,
		hasher: password.New(password.Options{Cost: canaryCost}), notImported: make([]int, run.Parallel),
	}
	w.pace = newPace(run.Rate, w.batchSize(), run.Pace, s.SlowestPace)
	return w
}

func (w *worker) batchSize() int {
	if w.run.Rate > 0 {
		return min(w.run.Rate, move.MaxBatch)
	}
	return move.MaxBatch
}

func (w *worker) work(ctx context.Context) error {
	asked := ctx
	// Without the deadline, which a wait for the pace would refuse at once.
	ctx, cancel := context.WithCancel(context.WithoutCancel(asked))
	defer cancel()
	defer context.AfterFunc(asked, cancel)()
	w.stop = cancel
	var renewal sync.WaitGroup
	defer renewal.Wait()
	renewing, endRenewal := context.WithCancel(context.WithoutCancel(ctx))
	defer endRenewal()
	renewal.Go(func() { w.renew(renewing) })
	parts := []func(context.Context) error{w.walk, w.settlePending}
	if w.run.Kind == KindReturn {
		parts = []func(context.Context) error{w.returnAll}
	}
	for _, part := range parts {
		err := part(ctx)
		if w.unpaused != nil {
			return w.unpaused
		}
		if err != nil || ctx.Err() != nil {
			return err
		}
	}
	return w.end(ctx)
}

// renew hears of a pause within its period.
func (w *worker) renew(ctx context.Context) {
	last := time.Now()
	for sleep.Context(ctx, renewEvery) == nil {
		state, err := w.keep(ctx)
		switch {
		case err == nil && state == Running:
			last = time.Now()
			continue
		case err != nil && !pg.NoRows(err) && time.Since(last) < lease:
			continue
		case ctx.Err() != nil:
			return
		}
		w.stopped.Store(true)
		w.stop()
		return
	}
}

func (w *worker) keep(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, statementTime)
	defer cancel()
	return w.queries.KeepBulkRun(ctx, w.Pool, db.KeepBulkRunParams{
		ID: w.run.ID, LeaseBy: w.carrier, LeaseSeconds: lease.Seconds(), Pace: w.pace.current(), Throttled: w.pace.wasHalved(),
	})
}

// task is one batch of ids. All users up to last have an outcome when it is done.
type task struct {
	number  int
	ids     []uuid.UUID
	last    uuid.UUID
	skipped int
}

func (w *worker) walk(ctx context.Context) error {
	if w.run.Selection == IDs {
		return nil
	}
	w.track = &track{done: map[int]task{}}
	after := w.run.AfterID
	number := 0
	err := w.lanes(ctx, func(ctx context.Context, next chan<- task) error {
		for {
			t, more, err := w.nextTask(ctx, after)
			if err != nil || t.last == uuid.Nil {
				return err
			}
			t.number, after = number, t.last
			number++
			select {
			case next <- t:
			case <-ctx.Done():
				return nil
			}
			if !more {
				return nil
			}
		}
	})
	if err == nil && ctx.Err() == nil && w.track.next != number {
		return fmt.Errorf("run %s: batch %d of %d was not done", w.run.ID, w.track.next, number)
	}
	return err
}

// pageSize bounds memory; a small cohort needs several pages for a batch.
const pageSize = 4 * move.MaxBatch

func (w *worker) nextTask(ctx context.Context, after uuid.UUID) (t task, more bool, err error) {
	record, full, err := w.checkTraffic(ctx)
	if err != nil || !full {
		return task{}, false, w.unlessStopped(ctx, err)
	}
	params := db.BulkCandidatesParams{RunID: w.run.ID, PageSize: pageSize}
	for {
		if after != uuid.Nil {
			params.After = &after
		}
		rows, err := w.queries.BulkCandidates(ctx, w.Pool, params)
		if err != nil {
			return task{}, false, w.unlessStopped(ctx, pg.Fault(err))
		}
		for _, row := range rows {
			t.last, after = row.ID, row.ID
			switch {
			case !w.run.holds(record, row.ID):
			case !row.Movable:
				t.skipped++
			default:
				t.ids = append(t.ids, row.ID)
			}
			if len(t.ids) == w.batchSize() {
				return t, true, nil
			}
		}
		if len(rows) < pageSize {
			return t, false, nil
		}
	}
}

// unlessStopped hides what a stop has caused.
func (*worker) unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // stopped
	}
	return err
}

func (w *worker) lanes(ctx context.Context, feed func(ctx context.Context, next chan<- task) error) error {
	group, ctx := errgroup.WithContext(ctx)
	next := make(chan task)
	group.Go(func() error {
		defer close(next)
		return feed(ctx, next)
	})
	for lane := range w.run.Parallel {
		group.Go(func() error {
			for t := range next {
				if err := w.batch(ctx, lane, t); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// pendingPasses bounds the wait for users that another try holds: claims lapse after a minute.
const pendingPasses = 36

// settlePending takes named users, those that another try held, and those to be tried again.
func (w *worker) settlePending(ctx context.Context) error {
	w.track = nil
	for range pendingPasses {
		found := 0
		err := w.lanes(ctx, func(ctx context.Context, next chan<- task) error {
			return w.feedPending(ctx, next, &found)
		})
		if err != nil || ctx.Err() != nil || found == 0 {
			return err
		}
		left, err := w.pending(ctx, uuid.Nil)
		if err != nil || len(left) == 0 {
			return w.unlessStopped(ctx, err)
		}
		if sleep.Context(ctx, w.Patience) != nil {
			return nil //nolint:nilerr // stopped
		}
	}
	return w.lanes(ctx, func(ctx context.Context, _ chan<- task) error {
		return w.eachPending(ctx, func(ids []uuid.UUID) error {
			return pg.InTx(ctx, w.Pool, func(tx pgx.Tx) error {
				results := make([]move.Result, len(ids))
				for i, id := range ids {
					results[i] = move.Result{ID: id, Outcome: move.OutcomeConflict, Code: codeClaimLapsed}
				}
				return w.recordUsers(ctx, tx, results)
			})
		})
	})
}

func (w *worker) feedPending(ctx context.Context, next chan<- task, found *int) error {
	return w.eachPending(ctx, func(ids []uuid.UUID) error {
		*found += len(ids)
		select {
		case next <- task{ids: ids}:
		case <-ctx.Done():
		}
		return nil
	})
}

func (w *worker) eachPending(ctx context.Context, work func(ids []uuid.UUID) error) error {
	for after := uuid.Nil; ctx.Err() == nil; {
		ids, err := w.pending(ctx, after)
		if err != nil || len(ids) == 0 {
			return w.unlessStopped(ctx, err)
		}
		after = ids[len(ids)-1]
		if err := work(ids); err != nil {
			return w.unlessStopped(ctx, pg.Fault(err))
		}
	}
	return nil
}

func (w *worker) pending(ctx context.Context, after uuid.UUID) ([]uuid.UUID, error) {
	params := db.PendingBulkUsersParams{RunID: w.run.ID, PageSize: int32(w.batchSize())} //nolint:gosec // at most 999
	if after != uuid.Nil {
		params.After = &after
	}
	ids, err := w.queries.PendingBulkUsers(ctx, w.Pool, params)
	if err != nil {
		return nil, fmt.Errorf("read the pending users of run %s: %w", w.run.ID, pg.Fault(err))
	}
	return ids, nil
}

func (w *worker) end(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx) // the renewal sees the end first
	_, err := w.change(ctx, w.run.ID, system, func(tx pgx.Tx, state string) error {
		if state != Running {
			return ErrWrongState
		}
		run, err := readRun(ctx, tx, w.run.ID)
		if err != nil {
			return err
		}
		if err := w.set(ctx, tx, w.run.ID, Done, "", "ended", system.Actor); err != nil {
			return err
		}
		w.Logger.InfoContext(ctx, "a run is done", "run_id", w.run.ID, "moved", run.Moved, "skipped", run.Skipped, "failed", run.Failed)
		return nil
	})
	if errors.Is(err, ErrWrongState) {
		return nil
	}
	return err
}

// track moves the run's key to the first open task.
type track struct {
	mu   sync.Mutex
	next int
	done map[int]task
}

func (w *worker) done(ctx context.Context, t task) error {
	if w.track == nil {
		return nil
	}
	w.track.mu.Lock()
	defer w.track.mu.Unlock()
	w.track.done[t.number] = t
	params := db.AdvanceBulkRunParams{ID: w.run.ID, LeaseBy: w.carrier}
	for {
		t, is := w.track.done[w.track.next]
		if !is {
			break
		}
		delete(w.track.done, w.track.next)
		w.track.next++
		params.AfterID = t.last
		params.Skipped += int64(t.skipped)
	}
	if params.AfterID == uuid.Nil {
		return nil
	}
	if err := w.queries.AdvanceBulkRun(context.WithoutCancel(ctx), w.Pool, params); err != nil {
		return fmt.Errorf("keep the place of run %s: %w", w.run.ID, pg.Fault(err))
	}
	return nil
}
