package bulk

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/move"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/rollout"
)

// Preview counts what a run would find. Stuck users cannot move, by code, with examples.
type Preview struct {
	Movable int64
	Stuck   map[string]int64
	Named   map[string][]uuid.UUID
	Rollout rollout.Record
}

const previewPage = 10_000

// Preview writes nothing. Its memory does not grow with the users.
func (s *Service) Preview(ctx context.Context, plan Plan) (Preview, error) {
	plan = plan.withDefaults()
	p := Preview{Stuck: map[string]int64{}, Named: map[string][]uuid.UUID{}}
	var err error
	if p.Rollout, err = rollout.Load(ctx, s.Pool); err != nil {
		return p, err
	}
	named := make(map[uuid.UUID]bool, len(plan.IDs))
	for _, id := range plan.IDs {
		named[id] = true
	}
	params := db.MovableUsersParams{PageSize: previewPage}
	for {
		rows, err := s.queries.MovableUsers(ctx, s.Pool, params)
		if err != nil {
			return p, fmt.Errorf("count users: %w", pg.Fault(err))
		}
		for _, row := range rows {
			if plan.Selection == IDs && !named[row.ID] || !plan.holds(p.Rollout, row.ID) {
				continue
			}
			p.count(row)
		}
		if len(rows) < previewPage {
			return p, nil
		}
		params.After = &rows[len(rows)-1].ID
	}
}

func (p *Preview) count(row db.MovableUsersRow) {
	code := move.Check(row.Email, or(row.PasswordHash))
	if code == "" {
		p.Movable++
		return
	}
	p.Stuck[code]++
	if len(p.Named[code]) < namedMissing {
		p.Named[code] = append(p.Named[code], row.ID)
	}
}
