package move

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/detach"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/pg"
)

// SettleLapsed ends moves of runs that were cut short and do not go on. It imports nothing: rows with an account move, others are restored.
// It returns how many users it has taken, firebase.MaxLookUp at most.
func (m *Mover) SettleLapsed(ctx context.Context, actor string) (int, error) {
	ids, err := m.queries.LapsedMoves(ctx, m.pool, db.LapsedMovesParams{LapseSeconds: m.lapse.Seconds(), PageSize: firebase.MaxLookUp})
	if err != nil {
		return 0, fmt.Errorf("look for lapsed moves: %w", pg.Fault(err))
	}
	if len(ids) == 0 {
		return 0, nil
	}
	b := m.newBatch(Batch{IDs: ids, Actor: actor, Record: func(context.Context, pgx.Tx, []Result) error { return nil }})
	taken, err := m.takeOver(ctx, m.pool, ids, b.by)
	if err != nil {
		return 0, fmt.Errorf("take lapsed moves over: %w", pg.Fault(err))
	}
	b.IDs = nil
	for _, p := range taken {
		b.add(p)
		b.IDs = append(b.IDs, p.id)
	}
	ctx, cancel := detach.Context(ctx, m.lapse*3/4)
	defer cancel()
	_, lapsed := b.byClaim()
	absent, trouble := b.find(ctx, lapsed)
	b.stop(absent, ErrNotMovable)
	report, err := b.end(ctx, trouble)
	if err != nil {
		return 0, err
	}
	return len(taken), report.Trouble
}
