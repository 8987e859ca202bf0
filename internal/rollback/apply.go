package rollback

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/password"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/user"
)

func (r *Returner) apply(ctx context.Context, b Batch, w work, readAt time.Time) (results []Result, again bool, err error) {
	var changed []uuid.UUID
	err = pg.InTx(ctx, r.pool, func(tx pgx.Tx) error {
		results, changed = append([]Result(nil), w.results...), nil
		for _, c := range w.left {
			results = append(results, Result{c.ID, Pending, c.LeftAs})
		}
		returned, err := r.returnUsers(ctx, tx, w.home)
		if err != nil {
			return err
		}
		var kept []candidate
		for _, c := range w.home {
			former, is := returned[c.ID]
			if !is {
				results = append(results, Result{c.ID, Pending, CodeChanged})
				continue
			}
			results, changed = append(results, Result{c.ID, Pending, former}), append(changed, c.ID)
			if !c.Settled {
				kept = append(kept, c)
			}
		}
		if err := r.keepPasswords(ctx, tx, append(kept, w.keep...), readAt); err != nil {
			return err
		}
		undone, err := r.undo(ctx, tx, b.Run, w.undo)
		if err != nil {
			return err
		}
		for _, c := range w.undo {
			if !undone[c.ID] {
				results = append(results, Result{c.ID, Failed, c.stays})
				continue
			}
			results, changed = append(results, Result{c.ID, Stays, c.stays}), append(changed, c.ID)
		}
		done := w.finished()
		results = append(results, done...)
		if err := r.record(ctx, tx, b, done); err != nil || len(results) == 0 {
			return err
		}
		return b.Record(ctx, tx, results)
	})
	if err != nil {
		return nil, false, fmt.Errorf("return users: %w", pg.Fault(err))
	}
	for _, id := range changed {
		r.onChange(context.WithoutCancel(ctx), id)
	}
	return results, len(changed)+len(w.keep)+len(w.left) > 0, nil
}

func (w *work) finished() []Result {
	var done []Result
	for _, c := range w.done {
		way := WayLocal
		if c.Kept {
			way = WayFirebase
		}
		done = append(done, Result{c.ID, Returned, way})
	}
	return done
}

func (r *Returner) record(ctx context.Context, tx pgx.Tx, b Batch, done []Result) error {
	if len(done) == 0 {
		return nil
	}
	ids, details := make([]uuid.UUID, len(done)), map[uuid.UUID]map[string]any{}
	for i, result := range done {
		ids[i], details[result.ID] = result.ID, map[string]any{"way": result.Code}
		maps.Copy(details[result.ID], b.Details)
	}
	return audit.RecordAll(ctx, tx, audit.Event{Action: "user.returned", Actor: b.Actor, RequestID: telemetry.RequestID(ctx)}, ids, details)
}

func (r *Returner) returnUsers(ctx context.Context, tx pgx.Tx, home []candidate) (formers map[uuid.UUID]string, err error) {
	if len(home) == 0 {
		return nil, nil
	}
	var params db.ReturnUsersParams
	for _, c := range home {
		params.Ids, params.FirebaseUids = append(params.Ids, c.ID), append(params.FirebaseUids, c.FirebaseUID)
		params.Emails = append(params.Emails, c.Email)
	}
	rows, err := r.queries.ReturnUsers(ctx, tx, params)
	if err != nil {
		return nil, err
	}
	formers = make(map[uuid.UUID]string, len(rows))
	for _, row := range rows {
		formers[row.ID] = row.Former
	}
	return formers, nil
}

func (r *Returner) keepPasswords(ctx context.Context, tx pgx.Tx, users []candidate, readAt time.Time) error {
	byConfig := map[uuid.UUID][]user.FirebasePassword{}
	for _, c := range users {
		if len(c.account.Hash) == 0 {
			return errors.New("a password without a hash is not kept")
		}
		byConfig[c.config.id] = append(byConfig[c.config.id], user.FirebasePassword{
			UserID: c.ID, Hash: password.ScryptHash{Config: c.config.ScryptConfig, Hash: c.account.Hash, Salt: c.account.Salt}, SetAt: c.account.PasswordUpdatedAt, ReadAt: readAt,
		})
	}
	for config, batch := range byConfig {
		if _, err := r.users.KeepFirebasePasswords(ctx, tx, config, batch); err != nil {
			return err
		}
	}
	return nil
}

func (r *Returner) undo(ctx context.Context, tx pgx.Tx, run uuid.UUID, users []candidate) (map[uuid.UUID]bool, error) {
	if len(users) == 0 {
		return nil, nil
	}
	params := db.UndoReturnsParams{RunID: run}
	for _, c := range users {
		params.Ids, params.Formers = append(params.Ids, c.ID), append(params.Formers, c.Code)
	}
	ids, err := r.queries.UndoReturns(ctx, tx, params)
	if err != nil {
		return nil, err
	}
	undone := make(map[uuid.UUID]bool, len(ids))
	for _, id := range ids {
		undone[id] = true
	}
	return undone, nil
}
