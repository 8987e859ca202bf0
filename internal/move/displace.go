package move

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/intent"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
)

// displace disables an account without a proven owner and takes its address. Package firebase refuses other accounts.
func (m *Mover) displace(ctx context.Context, p claimedUser, there firebase.User) error {
	uid, displace := there.UID, m.identities.Displace
	if p.typed != nil && !slices.Equal(there.Providers, []string{passwordProvider}) {
		if err := m.proves(ctx, p, *p.typed); err != nil {
			return err
		}
		displace = m.identities.DisplaceUnverified
	}
	change, err := m.intents.Begin(ctx, intent.Intent{
		Kind: intent.Displace, UserID: p.id, FirebaseUID: uid, Actor: p.actor,
	})
	if err != nil {
		return err
	}
	if err := displace(ctx, uid, displacedAddress(uid)); err != nil {
		m.intents.Withdraw(ctx, change.ID, err)
		return refusedDisplacement(p, err)
	}
	err = pg.InTx(ctx, m.pool, func(tx pgx.Tx) error { return m.recordDisplacement(ctx, tx, change) })
	if err != nil {
		return fmt.Errorf("record the displacement at the address of user %s: %w", p.id, pg.Fault(err))
	}
	return nil
}

func refusedDisplacement(p claimedUser, err error) error {
	if errors.Is(err, firebase.ErrNotDisplaceable) || errors.Is(err, firebase.ErrEmailExists) || errors.Is(err, firebase.ErrInvalidUser) {
		return stopped(codeEmailTaken, err)
	}
	return fmt.Errorf("displace the account at the address of user %s: %w", p.id, err)
}

func (m *Mover) recordDisplacement(ctx context.Context, tx pgx.Tx, i intent.Intent) error {
	if ended, err := m.intents.End(ctx, tx, i.ID); err != nil || !ended {
		return err
	}
	return audit.Record(ctx, tx, audit.Event{
		Action: "user.identity_displaced", Actor: i.Actor, UserID: i.UserID, RequestID: telemetry.RequestID(ctx),
		Details: map[string]any{"firebase_uid": i.FirebaseUID},
	})
}

// SettleDisplacement completes an interrupted displacement. settled is false where Firebase does not show it.
func (m *Mover) SettleDisplacement(ctx context.Context, i intent.Intent) (settled bool, err error) {
	there, err := m.identities.User(ctx, i.FirebaseUID)
	if errors.Is(err, firebase.ErrUserNotFound) {
		return true, m.intents.Drop(ctx, i.ID)
	}
	if err != nil {
		return false, fmt.Errorf("ask Firebase for a displaced account: %w", err)
	}
	if !there.Disabled || there.Email != displacedAddress(i.FirebaseUID) {
		return false, nil
	}
	if err := pg.InTx(ctx, m.pool, func(tx pgx.Tx) error { return m.recordDisplacement(ctx, tx, i) }); err != nil {
		return false, fmt.Errorf("record the displacement at the address of user %s: %w", i.UserID, pg.Fault(err))
	}
	return true, nil
}
