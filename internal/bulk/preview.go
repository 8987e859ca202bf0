package bulk

import (
	"context"
	"fmt"
	"slices"

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
	if plan.Selection == IDs {
		for part := range slices.Chunk(plan.IDs, previewPage) {
			if err := s.previewIDs(ctx, &p, part); err != nil {
				return p, err
			}
		}
		return p, nil
	}
	params := db.MovableUsersParams{PageSize: previewPage}
	for {
		rows, err := s.queries.MovableUsers(ctx, s.Pool, params)
		if err != nil {
			return p, fmt.Errorf("count users: %w", pg.Fault(err))
		}
		for _, row := range rows {
			if row.Local && plan.holds(p.Rollout, row.ID) {
				p.count(db.MovableUsersByIDRow{ID: row.ID, Email: row.Email, PasswordHash: row.PasswordHash, Returned: row.Returned})
			}
		}
		if len(rows) < previewPage {
			return p, nil
		}
		params.After = &rows[len(rows)-1].ID
	}
}

// previewIDs counts each user that was named.
func (s *Service) previewIDs(ctx context.Context, p *Preview, ids []uuid.UUID) error {
	denied, ids := split(p.Rollout, ids)
	for _, r := range denied {
		p.stuck(r.ID, r.Code)
	}
	rows, err := s.queries.MovableUsersByID(ctx, s.Pool, ids)
	if err != nil {
		return fmt.Errorf("count users: %w", pg.Fault(err))
	}
	counted := make(map[uuid.UUID]bool, len(rows))
	for _, row := range rows {
		counted[row.ID] = true
		p.count(row)
	}
	others := slices.DeleteFunc(ids, func(id uuid.UUID) bool { return counted[id] })
	why, err := s.Mover.NotMovable(ctx, others)
	for _, id := range others {
		p.stuck(id, why[id])
	}
	return err
}

func (p *Preview) count(row db.MovableUsersByIDRow) {
	code := move.Check(row.Email, or(row.PasswordHash))
	if row.Returned {
		code = move.CodeReturned
	}
	if code == "" {
		p.Movable++
		return
	}
	p.stuck(row.ID, code)
}

func (p *Preview) stuck(id uuid.UUID, code string) {
	p.Stuck[code]++
	if len(p.Named[code]) < namedMissing {
		p.Named[code] = append(p.Named[code], id)
	}
}
