package fbsync_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/pg"
)

// Every instance looks for the run that lacks a carrier.
func TestEnqueueRun_OneJobARun(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	const tries = 5
	run, other := uuid.New(), uuid.New()
	for _, id := range []uuid.UUID{run, other} {
		for range tries {
			if err := pg.InTx(t.Context(), s.pool, func(tx pgx.Tx) error { return s.outbox.EnqueueRun(t.Context(), tx, id) }); err != nil {
				t.Fatal(err)
			}
		}
		var jobs int
		if err := s.pool.QueryRow(t.Context(), "SELECT count(*) FROM auth.river_job WHERE args ->> 'run_id' = $1", id.String()).Scan(&jobs); err != nil {
			t.Fatal(err)
		}
		if jobs < 1 || jobs > 2 { // the period may end between two tries
			t.Errorf("%d jobs of one run", jobs)
		}
	}
}
