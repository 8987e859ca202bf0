package bulk_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/bulk"
	"auth-v2-service/internal/move"
	"auth-v2-service/internal/pg"
)

// recording reports outcomes without moving anyone.
type recording struct {
	bulk.Mover
	record func(ctx context.Context, b move.Batch) error
}

func (m recording) Move(ctx context.Context, b move.Batch) (move.Report, error) {
	return move.Report{}, m.record(ctx, b)
}

func resultsOf(ids []uuid.UUID, outcome, code string) []move.Result {
	results := make([]move.Result, len(ids))
	for i, id := range ids {
		results[i] = move.Result{ID: id, Outcome: outcome, Code: code}
	}
	return results
}

func TestCarry_AMovedUserStaysMoved(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.locals(3)
	b := s.service(func(o *bulk.Options) {
		o.Mover = recording{record: func(ctx context.Context, b move.Batch) error {
			for _, results := range [][]move.Result{
				resultsOf(b.IDs, move.OutcomeMoved, "imported"), resultsOf(b.IDs, move.OutcomeNotMovable, move.CodeMoved),
			} {
				if err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error { return b.Record(ctx, tx, results) }); err != nil {
					return err
				}
			}
			return nil
		}}
	})
	if run := s.carry(b, s.start(b, bulk.Plan{}).ID); run.Moved != 3 || run.Skipped != 0 {
		t.Errorf("the run is %+v", run)
	}
}

// A carrier without its lease ends its batch beside the next carrier's.
func TestCarry_CountsExactlyWhenTwoRecord(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.locals(1)
	b := s.service(func(o *bulk.Options) {
		o.Mover = recording{record: func(ctx context.Context, b move.Batch) error {
			results := resultsOf(b.IDs, move.OutcomeConflict, "email_taken")
			var both sync.WaitGroup
			recorded := make(chan struct{})
			both.Go(func() {
				if err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
					err := b.Record(ctx, tx, results)
					close(recorded)
					_, _ = tx.Exec(ctx, "SELECT pg_sleep(0.3)")
					return err
				}); err != nil {
					t.Error(err)
				}
			})
			both.Go(func() {
				<-recorded
				if err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error { return b.Record(ctx, tx, results) }); err != nil {
					t.Error(err)
				}
			})
			both.Wait()
			return nil
		}}
	})
	if run := s.carry(b, s.start(b, bulk.Plan{}).ID); run.Failed != 1 {
		t.Errorf("the run is %+v", run)
	}
}
