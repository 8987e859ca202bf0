package bulk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/move"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/rollback"
	"auth-v2-service/internal/rollout"
	"auth-v2-service/internal/sleep"
)

// returnPasses bounds the walks over Firebase's accounts. A user that changes during one returns in the next.
const returnPasses = 5

var returnOutcomes = map[string]string{
	rollback.Returned: move.OutcomeMoved, rollback.Stays: move.OutcomeNotMovable, rollback.Pending: move.OutcomeUnsettled,
	rollback.Failed: move.OutcomeConflict,
}

const codeUnseen = "unseen" // in the export so far

func (w *worker) returnAll(ctx context.Context) error {
	configs, err := w.prepare(ctx)
	if err != nil || configs == nil {
		return err
	}
	page := w.run.Page
	for range returnPasses {
		if err := w.returnPass(ctx, configs, page); err != nil || ctx.Err() != nil {
			return w.unlessStopped(ctx, err)
		}
		page = ""
		if err := w.noteUnseen(ctx); err != nil {
			return w.unlessStopped(ctx, err)
		}
		left, err := w.pending(ctx, uuid.Nil)
		if err != nil || len(left) == 0 {
			return w.unlessStopped(ctx, err)
		}
		if sleep.Context(ctx, w.Patience) != nil {
			return nil //nolint:nilerr // stopped
		}
	}
	return w.unlessStopped(ctx, w.endPending(ctx))
}

// prepare returns nil where the run is paused.
func (w *worker) prepare(ctx context.Context) (configs *rollback.Configs, err error) {
	err = w.insist(ctx, func() error {
		configs, err = w.Returner.Prepare(ctx)
		return err
	})
	if err != nil {
		return nil, w.unlessStopped(ctx, err)
	}
	return configs, nil
}

// insist repeats what Firebase's trouble stops. It pauses the run at other refusals and after some tries.
func (w *worker) insist(ctx context.Context, call func() error) error {
	wait := w.Backoff
	for troubles := 1; ; troubles++ {
		began := time.Now()
		err := call()
		switch {
		case err == nil || ctx.Err() != nil:
			return err
		case errors.Is(err, rollback.ErrHashesHidden):
			w.pause(ctx, ReasonHashes, err)
			return err
		case errors.Is(err, rollback.ErrHashConfig):
			w.pause(ctx, ReasonCanary, err)
			return err
		case !rollback.OfFirebase(err):
			return err
		}
		if !w.tolerate(ctx, err, began, troubles) || sleep.Context(ctx, wait) != nil {
			return err
		}
		wait = min(2*wait, maxBackoff)
	}
}

func (w *worker) returnPass(ctx context.Context, configs *rollback.Configs, page string) error {
	kept := page // from before a pause: it may have expired
	for ctx.Err() == nil {
		record, err := rollout.Load(ctx, w.Pool)
		if err != nil {
			return err
		}
		began := time.Now()
		var results []rollback.Result
		next := ""
		users := rollback.Batch{
			Run: w.run.ID, Named: w.run.Selection == IDs, Holds: func(id uuid.UUID) bool { return w.run.holds(record, id) },
			Actor: w.run.StartedBy, Details: map[string]any{"run_id": w.run.ID.String()}, Record: w.recordReturns,
		}
		err = w.insist(ctx, func() (err error) {
			results, next, err = w.Returner.Page(ctx, page, configs, users)
			if kept != "" && errors.Is(err, firebase.ErrRefused) {
				page, kept = "", ""
				results, next, err = w.Returner.Page(ctx, page, configs, users)
			}
			return err
		})
		kept = ""
		if err != nil {
			return err
		}
		moved := w.reportReturns(ctx, results, time.Since(began))
		w.pace.passed(moved)
		params := db.AdvanceReturnParams{ID: w.run.ID, LeaseBy: w.carrier, PageToken: next}
		if err := w.queries.AdvanceReturn(ctx, w.Pool, params); err != nil {
			return fmt.Errorf("keep the page of run %s: %w", w.run.ID, pg.Fault(err))
		}
		if next == "" || next == page {
			return nil
		}
		page = next
		if err := w.pace.wait(ctx, moved); err != nil {
			return err
		}
	}
	return nil
}

func (w *worker) recordReturns(ctx context.Context, tx pgx.Tx, results []rollback.Result) error {
	return w.recordUsers(ctx, tx, toMoveResults(results))
}

func toMoveResults(results []rollback.Result) []move.Result {
	out := make([]move.Result, len(results))
	for i, r := range results {
		out[i] = move.Result{ID: r.ID, Outcome: returnOutcomes[r.Outcome], Code: r.Code}
	}
	return out
}

func (w *worker) reportReturns(ctx context.Context, results []rollback.Result, took time.Duration) (moved int) {
	moves := toMoveResults(results)
	for _, r := range results {
		if r.Outcome == rollback.Returned {
			moved++
		}
	}
	w.reportBatch(moves, move.Report{Moved: moved}, took)
	if w.budget.spent(moves) {
		w.pause(ctx, ReasonErrors, nil)
	}
	return moved
}

// noteUnseen notes selected users with accounts that no page has shown: made since, or missing.
func (w *worker) noteUnseen(ctx context.Context) error {
	if w.run.Selection == IDs {
		return nil
	}
	record, err := rollout.Load(ctx, w.Pool)
	if err != nil {
		return err
	}
	params := db.UsersAtFirebaseParams{RunID: w.run.ID, PageSize: pageSize}
	for ctx.Err() == nil {
		ids, err := w.queries.UsersAtFirebase(ctx, w.Pool, params)
		if err != nil {
			return fmt.Errorf("look for users at Firebase: %w", pg.Fault(err))
		}
		var unseen []move.Result
		for _, id := range ids {
			if w.run.holds(record, id) {
				unseen = append(unseen, move.Result{ID: id, Outcome: move.OutcomeUnsettled, Code: codeUnseen})
			}
		}
		if err := w.recordAll(ctx, unseen); err != nil {
			return err
		}
		if len(ids) < pageSize {
			return nil
		}
		params.After = &ids[len(ids)-1]
	}
	return nil
}

func (w *worker) recordAll(ctx context.Context, results []move.Result) error {
	if len(results) == 0 {
		return nil
	}
	return pg.InTx(ctx, w.Pool, func(tx pgx.Tx) error { return w.recordUsers(ctx, tx, results) })
}

// endPending names what no pass has settled.
func (w *worker) endPending(ctx context.Context) error {
	params := db.PendingReturnsParams{RunID: w.run.ID, PageSize: pageSize}
	for ctx.Err() == nil {
		rows, err := w.queries.PendingReturns(ctx, w.Pool, params)
		if err != nil {
			return fmt.Errorf("read the pending users of run %s: %w", w.run.ID, pg.Fault(err))
		}
		results := make([]rollback.Result, len(rows))
		for i, row := range rows {
			results[i] = unsettled(row)
		}
		if err := w.recordAll(ctx, toMoveResults(results)); err != nil {
			return err
		}
		w.reportReturns(ctx, results, 0)
		if len(rows) < pageSize {
			return nil
		}
		params.After = &rows[len(rows)-1].UserID
	}
	return nil
}

func unsettled(row db.PendingReturnsRow) rollback.Result {
	switch {
	case row.Deleted:
		return rollback.Result{ID: row.UserID, Outcome: rollback.Stays, Code: move.CodeDeleted}
	case row.Local && !rollback.MadeLocal(row.Code):
		return rollback.Result{ID: row.UserID, Outcome: rollback.Stays, Code: rollback.CodeLocal}
	case row.Code == rollback.CodeChanged || row.Code == rollback.CodeSyncing:
		return rollback.Result{ID: row.UserID, Outcome: rollback.Failed, Code: row.Code}
	}
	return rollback.Result{ID: row.UserID, Outcome: rollback.Failed, Code: rollback.CodeAccountMissing}
}

// PreviewReturn counts what a return would find. It writes nothing here, and creates and deletes one account at Firebase: its hash proves the
// parameters. Errors: those of rollback.Returner.Prepare.
func (s *Service) PreviewReturn(ctx context.Context, plan Plan) (rollback.Preview, error) {
	plan.Kind = KindReturn
	plan = plan.withDefaults()
	configs, err := s.Returner.Prepare(ctx)
	if err != nil {
		return rollback.Preview{}, err
	}
	record, err := rollout.Load(ctx, s.Pool)
	if err != nil {
		return rollback.Preview{}, err
	}
	named := plan.named()
	return s.Returner.Preview(ctx, configs, func(id uuid.UUID) bool {
		return (plan.Selection != IDs || named[id]) && plan.holds(record, id)
	})
}

func (p Plan) named() map[uuid.UUID]bool {
	named := make(map[uuid.UUID]bool, len(p.IDs))
	for _, id := range p.IDs {
		named[id] = true
	}
	return named
}

// MovedBy returns the users that a run has moved and that are still there, for a return of them. Error: ErrNoRun.
func (s *Service) MovedBy(ctx context.Context, id uuid.UUID) ([]uuid.UUID, error) {
	if _, err := s.Read(ctx, id); err != nil {
		return nil, err
	}
	ids, err := s.queries.MovedUsers(ctx, s.Pool, id)
	if err != nil {
		return nil, fmt.Errorf("read the users of run %s: %w", id, pg.Fault(err))
	}
	return ids, nil
}
