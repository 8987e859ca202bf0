package bulk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/move"
	"auth-v2-service/internal/operator"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/rollout"
	"auth-v2-service/internal/sleep"
	"auth-v2-service/internal/telemetry"
)

var system = operator.Operator{Actor: "system"}

// maxTroubles of one batch pause the run.
const (
	maxTroubles = 6
	maxBackoff  = 30 * time.Second
)

// batch tries again, after a wait, what Firebase's trouble gave back.
func (w *worker) batch(ctx context.Context, lane int, t task) error {
	ids := t.ids
	wait := w.Backoff
	for troubles := 0; len(ids) > 0; {
		if err := w.pace.wait(ctx, len(ids)); err != nil {
			return w.unlessStopped(ctx, err)
		}
		record, full, err := w.checkTraffic(ctx)
		if err != nil || !full {
			return w.unlessStopped(ctx, err)
		}
		began := time.Now()
		report, err := w.moveBatch(ctx, lane, record, ids)
		if err != nil {
			return w.unlessStopped(ctx, err)
		}
		w.pace.passed(report.Moved)
		ids = report.Released
		if report.Trouble == nil {
			continue
		}
		if troubles++; !w.tolerate(ctx, report.Trouble, began, troubles) || sleep.Context(ctx, wait) != nil {
			return nil //nolint:nilerr // paused or stopped
		}
		wait = min(2*wait, maxBackoff)
	}
	return w.done(ctx, t)
}

// tolerate reports whether the run goes on.
func (w *worker) tolerate(ctx context.Context, trouble error, began time.Time, times int) bool {
	switch {
	case move.Throttled(trouble):
		w.pace.halve(began)
		if times < maxTroubles {
			return true
		}
		w.pause(ctx, ReasonQuota, trouble)
	case errors.Is(trouble, firebase.ErrUnreachable):
		if times < maxTroubles {
			return true
		}
		w.pause(ctx, ReasonUnreachable, trouble)
	default:
		w.pause(ctx, ReasonRefused, trouble)
	}
	return false
}

// checkTraffic pauses the run when traffic is below 100 percent (R2).
func (w *worker) checkTraffic(ctx context.Context) (record rollout.Record, full bool, err error) {
	if ctx.Err() != nil {
		return record, false, nil //nolint:nilerr // stopped
	}
	if record, err = rollout.Load(ctx, w.Pool); err != nil {
		return record, false, err
	}
	if !record.Cohort(uuid.Nil).Open() {
		w.pause(ctx, ReasonTraffic, nil)
		return record, false, nil
	}
	return record, true, nil
}

func (w *worker) moveBatch(ctx context.Context, lane int, record rollout.Record, ids []uuid.UUID) (move.Report, error) {
	began := time.Now()
	canary, err := newCanary(ctx, w.hasher, w.run.ID, lane)
	if err != nil {
		return move.Report{}, err
	}
	var results []move.Result
	denied, ids := split(record, ids)
	if len(denied) > 0 {
		results = append(results, denied...)
		if err := pg.InTx(ctx, w.Pool, func(tx pgx.Tx) error { return w.recordUsers(ctx, tx, denied) }); err != nil {
			return move.Report{}, fmt.Errorf("record users of run %s: %w", w.run.ID, pg.Fault(err))
		}
	}
	report, err := w.Mover.Move(ctx, move.Batch{
		IDs: ids, Actor: w.run.StartedBy, Details: map[string]any{"run_id": w.run.ID.String()}, Canary: &canary.ImportUser,
		Record: func(ctx context.Context, tx pgx.Tx, some []move.Result) error {
			if err := w.recordUsers(ctx, tx, some); err != nil {
				return err
			}
			results = append(results, some...)
			return nil
		},
	})
	if err == nil {
		w.checkCanary(ctx, lane, canary, report)
	}
	w.reportBatch(results, report, time.Since(began))
	if err == nil && w.budget.spent(results) {
		w.pause(ctx, ReasonErrors, nil)
	}
	return report, err
}

const codeDenied = "denied"

// split keeps denied users from moving (R3), also those of a page read before.
func split(record rollout.Record, ids []uuid.UUID) (denied []move.Result, others []uuid.UUID) {
	for _, id := range ids {
		if slices.Contains(record.Deny, id) {
			denied = append(denied, move.Result{ID: id, Outcome: move.OutcomeNotMovable, Code: codeDenied})
		} else {
			others = append(others, id)
		}
	}
	return denied, others
}

const pauseTries = 4

// pause stops the run for an operator.
func (w *worker) pause(ctx context.Context, reason string, cause error) {
	w.stop()
	if !w.stopped.CompareAndSwap(false, true) {
		return
	}
	ctx = context.WithoutCancel(ctx)
	w.Logger.WarnContext(ctx, "a run pauses itself", "run_id", w.run.ID, "reason", reason, telemetry.FieldError, cause)
	wait := w.Backoff
	for try := 1; ; try++ {
		err := w.pauseOnce(ctx, reason)
		if err == nil || errors.Is(err, ErrWrongState) {
			return
		}
		if try == pauseTries {
			w.unpaused = errUnpaused{err}
			return
		}
		_ = sleep.Context(ctx, wait)
		wait *= 2
	}
}

func (w *worker) pauseOnce(ctx context.Context, reason string) error {
	ctx, cancel := context.WithTimeout(ctx, statementTime)
	defer cancel()
	_, err := w.Pause(ctx, w.run.ID, system, reason)
	return err
}

// errUnpaused keeps the lease: no carrier shall go on at once.
type errUnpaused struct{ error }

func (e errUnpaused) Unwrap() error { return e.error }

var outcomes = map[string]string{
	move.OutcomeMoved: outcomeMoved, move.OutcomeConflict: outcomeFailed, move.OutcomeNotMovable: outcomeSkipped,
	move.OutcomeUnsettled: outcomePending,
}

func (w *worker) recordUsers(ctx context.Context, tx pgx.Tx, results []move.Result) error {
	if len(results) == 0 {
		return nil
	}
	if _, err := w.queries.HoldBulkRun(ctx, tx, w.run.ID); err != nil {
		return err
	}
	params := db.RecordBulkUsersParams{RunID: w.run.ID}
	for _, r := range results {
		params.UserIds, params.Codes = append(params.UserIds, r.ID), append(params.Codes, r.Code)
		params.Outcomes = append(params.Outcomes, outcomes[r.Outcome])
	}
	return w.queries.RecordBulkUsers(ctx, tx, params)
}

func (w *worker) reportBatch(results []move.Result, report move.Report, took time.Duration) {
	done := BatchDone{Failed: map[string]int{}, Took: took, Trouble: report.Trouble}
	counts := map[[2]string]int{}
	for _, r := range results {
		done.Users++
		outcome := outcomes[r.Outcome]
		switch outcome {
		case outcomeMoved:
			done.Moved++
		case outcomeSkipped:
			done.Skipped++
		case outcomePending:
			done.Pending++
		case outcomeFailed:
			done.Failed[r.Code]++
		}
		counts[[2]string{outcome, r.Code}]++
	}
	for key, users := range counts {
		w.OnUsers(w.run.Kind, key[0], key[1], users)
	}
	done.Pace = w.pace.current()
	w.batches.Lock()
	defer w.batches.Unlock()
	w.onBatch(done)
}

// errorWindow is in users.
const errorWindow = 1_000

// budget counts failures among the last users. A new carrier starts with a full budget.
type budget struct {
	mu     sync.Mutex
	most   int
	recent []bool
	at     int
	failed int
}

func newBudget(most int) *budget { return &budget{most: most, recent: make([]bool, errorWindow)} }

func (b *budget) spent(results []move.Result) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range results {
		if outcome := outcomes[r.Outcome]; outcome == outcomePending {
			continue
		}
		failed := outcomes[r.Outcome] == outcomeFailed
		if b.recent[b.at] {
			b.failed--
		}
		if failed {
			b.failed++
		}
		b.recent[b.at] = failed
		b.at = (b.at + 1) % errorWindow
	}
	return b.failed > b.most
}
