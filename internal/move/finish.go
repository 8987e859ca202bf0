package move

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
)

const uidIndex = "idx_users_firebase_uid"

// provided is a claimed user with an account.
type provided struct {
	claimedUser
	target target
}

func (m *Mover) finish(ctx context.Context, p claimedUser, a target) error {
	err := pg.InTx(ctx, m.pool, func(tx pgx.Tx) error {
		moved, err := m.finishIn(ctx, tx, []provided{{p, a}}, nil)
		if err != nil {
			return err
		}
		if len(moved) == 0 {
			return ErrNotMovable // changed, deactivated, taken over, linked or deleted meanwhile
		}
		_, err = m.intents.End(ctx, tx, p.change)
		return err
	})
	switch {
	case err == nil:
		return nil
	case pg.UniqueViolation(err) == uidIndex:
		return stopped(codeEmailOwned, err)
	}
	return fmt.Errorf("finish the move of user %s: %w", p.id, pg.Fault(err))
}

// finishIn takes users of one claim. It returns those that moved: Firebase has what their rows hold now.
func (m *Mover) finishIn(ctx context.Context, tx pgx.Tx, users []provided, more map[string]any) ([]uuid.UUID, error) {
	if len(users) == 0 {
		return nil, nil
	}
	params := db.FinishMovesParams{
		ClaimedBy: users[0].claimedBy, FirebaseLead: m.clocks.FirebaseLead(), Trust: m.policy.Verified.Trust, ColumnName: m.policy.Verified.Column,
	}
	details := map[uuid.UUID]map[string]any{}
	for _, u := range users {
		params.Ids, params.FirebaseUids = append(params.Ids, u.id), append(params.FirebaseUids, u.target.uid)
		params.Emails, params.PasswordHashes = append(params.Emails, u.stored), append(params.PasswordHashes, u.hash)
		params.Admins, params.OnePasswords = append(params.Admins, u.admin), append(params.OnePasswords, u.target.samePassword)
		details[u.id] = map[string]any{"way": u.target.way, "firebase_uid": u.target.uid}
		maps.Copy(details[u.id], more)
	}
	moved, err := m.queries.FinishMoves(ctx, tx, params)
	if err != nil || len(moved) == 0 {
		return nil, err
	}
	if err := m.queries.EndMoveClaims(ctx, tx, db.EndMoveClaimsParams{Ids: moved, ClaimedBy: params.ClaimedBy}); err != nil {
		return nil, err
	}
	return moved, audit.RecordAll(ctx, tx, audit.Event{
		Action: "user.moved", Actor: users[0].actor, RequestID: telemetry.RequestID(ctx),
	}, moved, details)
}

// release returns why. It keeps the claim where Firebase's state is unknown (M2).
func (m *Mover) release(ctx context.Context, p claimedUser, why error) error {
	if unsettled(why) {
		return why
	}
	ctx, cancel := context.WithTimeout(ctx, m.patience)
	defer cancel()
	err := pg.InTx(ctx, m.pool, func(tx pgx.Tx) error {
		if _, err := m.intents.End(ctx, tx, p.change); err != nil {
			return err
		}
		return m.releaseIn(ctx, tx, p.claimedBy, map[uuid.UUID]error{p.id: why})
	})
	if err != nil {
		m.log.WarnContext(ctx, "a claim could not be given back and will lapse", telemetry.FieldUserID, p.id, telemetry.FieldError, err)
	}
	return why
}

// releaseIn takes users of one claim, with what stopped each of them.
func (m *Mover) releaseIn(ctx context.Context, tx pgx.Tx, by string, users map[uuid.UUID]error) error {
	all, failed := db.ReleaseMovesParams{ClaimedBy: by}, db.FailMoveClaimsParams{ClaimedBy: by}
	ended := db.EndMoveClaimsParams{ClaimedBy: by}
	for id, why := range users {
		all.Ids = append(all.Ids, id)
		if stop := (conflict{}); errors.As(why, &stop) {
			failed.Ids, failed.Failures = append(failed.Ids, id), append(failed.Failures, stop.code)
		} else {
			ended.Ids = append(ended.Ids, id)
		}
	}
	if err := m.queries.ReleaseMoves(ctx, tx, all); err != nil {
		return err
	}
	if len(failed.Ids) > 0 {
		if err := m.queries.FailMoveClaims(ctx, tx, failed); err != nil {
			return err
		}
	}
	if len(ended.Ids) > 0 {
		return m.queries.EndMoveClaims(ctx, tx, ended)
	}
	return nil
}
