package fbsync

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/user"
)

// maxUnlisted allows for accounts made while listing.
const maxUnlisted = 5

// tooManyGone applies S2's limit (10, and 0.5 % of the rows) or MaxGone.
func (r *run) tooManyGone(gone int, rows int64) bool {
	if r.maxGone > 0 {
		return gone > r.maxGone
	}
	return gone >= max(10, int(rows/200))
}

// missing disables rows only after all look-ups, and only a few: a truncated list or an emptied project must lock out no user.
func (r *run) missing(ctx context.Context) error {
	rows, err := r.queries.CountAtFirebase(ctx, r.Pool)
	if err != nil {
		return fmt.Errorf("count the rows at Firebase: %w", pg.Fault(err))
	}
	var gone []db.MissingRowsRow
	for after := ""; ; {
		if err := r.keep(ctx); err != nil {
			return err
		}
		page, err := r.queries.MissingRows(ctx, r.Pool, db.MissingRowsParams{After: after, Began: r.began})
		if err != nil {
			return fmt.Errorf("read who was not listed: %w", pg.Fault(err))
		}
		if len(page) == 0 {
			return r.disable(ctx, gone)
		}
		after = page[len(page)-1].FirebaseUID
		for _, row := range page {
			is, err := r.isGone(ctx, row.FirebaseUID)
			switch {
			case err != nil:
				return err
			case is:
				gone = append(gone, row)
			default:
				r.FoundByLookUp++
			}
			if r.FoundByLookUp > maxUnlisted {
				return ErrListCut
			}
			if r.tooManyGone(len(gone), rows) {
				return ErrManyGone
			}
		}
	}
}

func (r *run) isGone(ctx context.Context, uid string) (bool, error) {
	_, err := r.Accounts.User(ctx, uid)
	if errors.Is(err, firebase.ErrUserNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up an account that was not listed: %w", err)
	}
	return false, nil
}

func (r *run) disable(ctx context.Context, gone []db.MissingRowsRow) error {
	for _, row := range gone {
		if r.dry {
			r.Gone++
			continue
		}
		done, err := r.changed(ctx, row.ID, "reconcile.user_disabled", func(tx pgx.Tx) (int64, error) {
			e := r.Clocks.Ending(time.Time{}, time.Time{})
			n, err := r.queries.DisableGone(ctx, tx, db.DisableGoneParams{
				ID: row.ID, FirebaseUID: row.FirebaseUID, Version: row.Version,
				IssuedUntil: e.FirebaseUntil, FirebaseLead: e.FirebaseLead, LegacyLead: e.LegacyLead,
			})
			if err != nil || n == 0 {
				return n, err
			}
			return n, user.EndLegacySessions(ctx, tx, row.ID, e)
		})
		if err != nil {
			return fmt.Errorf("disable user %s: %w", row.ID, err)
		}
		if done {
			r.Gone++
		}
	}
	return nil
}

// rowPatience is a lock timeout in milliseconds.
const rowPatience = "2000"

// changed also audits, in one transaction (O4).
func (r *run) changed(ctx context.Context, id uuid.UUID, action string, change func(tx pgx.Tx) (int64, error)) (done bool, err error) {
	err = pg.InTx(ctx, r.Pool, func(tx pgx.Tx) error {
		if err := r.queries.WaitForRows(ctx, tx, rowPatience); err != nil {
			return err
		}
		n, err := change(tx)
		if err != nil || n == 0 {
			return err
		}
		done = true
		return audit.Record(ctx, tx, audit.Event{Action: action, Actor: r.actor, UserID: id})
	})
	if err != nil && ofOneRow(err) {
		r.Logger.WarnContext(ctx, "a row cannot be changed", telemetry.FieldUserID, id, telemetry.FieldError, err)
		r.Failed++
		return false, nil
	}
	if err != nil {
		return false, pg.Fault(err)
	}
	if done {
		r.OnChange(ctx, id)
	}
	return done, nil
}

// registrations deletes stale claims without an account (A1).
func (r *run) registrations(ctx context.Context) error {
	for after := uuid.Nil; ; {
		if err := r.keep(ctx); err != nil {
			return err
		}
		page, err := r.queries.StaleRegistrations(ctx, r.Pool, after)
		if err != nil {
			return fmt.Errorf("read unfinished registrations: %w", pg.Fault(err))
		}
		if len(page) == 0 {
			return nil
		}
		after = page[len(page)-1].ID
		for _, row := range page {
			if err := r.clear(ctx, row); err != nil {
				return err
			}
		}
	}
}

func (r *run) clear(ctx context.Context, row db.StaleRegistrationsRow) error {
	gone, err := r.isGone(ctx, row.ID.String())
	if err != nil || !gone {
		return err
	}
	if r.dry {
		r.Cleared++
		return nil
	}
	done, err := r.changed(ctx, row.ID, "reconcile.registration_cleared", func(tx pgx.Tx) (int64, error) {
		return r.queries.ClearRegistration(ctx, tx, db.ClearRegistrationParams(row))
	})
	if err != nil {
		return fmt.Errorf("clear registration %s: %w", row.ID, err)
	}
	if done {
		r.Cleared++
	}
	return nil
}
