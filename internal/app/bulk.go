package app

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"auth-v2-service/internal/bulk"
	"auth-v2-service/internal/config"
	"auth-v2-service/internal/fbsync"
	"auth-v2-service/internal/firebase"
)

// runs implements fbsync.Runs: jobs are opened before what they run on is.
type runs struct{ p *parts }

func (r runs) Carry(ctx context.Context, id uuid.UUID) error {
	err := r.p.jobRuns.Carry(ctx, id, uuid.New(), nil)
	if errors.Is(err, bulk.ErrCarried) || errors.Is(err, bulk.ErrWrongState) {
		return nil
	}
	return err
}

func (r runs) ToCarry(ctx context.Context) ([]uuid.UUID, error) { return r.p.jobRuns.ToCarry(ctx) }

func (r runs) SettleLapsed(ctx context.Context) error {
	for settled := firebase.MaxLookUp; settled == firebase.MaxLookUp; {
		var err error
		if settled, err = r.p.jobMover.SettleLapsed(ctx, "system"); err != nil {
			return err
		}
	}
	return nil
}

// OnRuns opens what commands about runs need. It never migrates. Error: *fbsync.WrongProjectError.
func OnRuns(ctx context.Context, c config.Config, o Options, work func(ctx context.Context, runs *bulk.Service) error) error {
	p, b, err := openCommand(ctx, c, o)
	if err != nil {
		return err
	}
	defer p.close(closePatience)
	if err := fbsync.CheckProject(ctx, b.pool, projectOf(c)); err != nil {
		return err
	}
	return work(ctx, p.bulk)
}
