package user

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/maypok86/otter/v2"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
)

// ErrIdentityConflict says that two accounts claim one address (F7).
var ErrIdentityConflict = fault.New(fault.IdentityConflict,
	"this e-mail belongs to another account; an operator has to decide")

// errUndecided: Firebase did not answer.
var errUndecided = fault.Unavailable("this sign-in cannot be decided at the moment; try again shortly", nil)

// resolveConflict asks Firebase once about the address's current account (F7). Concurrent requests share the answer.
func (s *Store) resolveConflict(ctx context.Context, holder User, id identity) (User, Sight, error) {
	dispute := dispute{uid: id.uid, holder: holder.FirebaseUID, proven: s.provesAddress(id)}
	decided, err := s.deciding.Ask(ctx, fmt.Sprintf("%q %q %t", dispute.uid, dispute.holder, dispute.proven), decisionLimit,
		func(ctx context.Context) (sighting, error) { return s.settle(ctx, dispute, holder, id) })
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = errUndecided.With(err)
	}
	if err != nil {
		return User{}, SightRefused, err
	}
	return decided.user, decided.sight, nil
}

// Longer than a request; the next one finds the decision.
const decisionLimit = 5 * time.Second

func (s *Store) settle(ctx context.Context, dispute dispute, holder User, id identity) (sighting, error) {
	if _, settled := s.disputes.GetIfPresent(dispute); settled {
		return sighting{}, ErrIdentityConflict
	}
	u, sight, err := s.decide(ctx, holder, id)
	if errors.Is(err, ErrIdentityConflict) {
		s.disputes.Set(dispute, struct{}{})
	}
	return sighting{u, sight}, err
}

type dispute struct {
	uid, holder string
	proven      bool
}

const (
	maxDisputes = 10_000
	disputeAge  = 30 * time.Second
)

func newDisputes() *otter.Cache[dispute, struct{}] {
	return otter.Must(&otter.Options[dispute, struct{}]{
		MaximumSize: maxDisputes, ExpiryCalculator: otter.ExpiryWriting[dispute, struct{}](disputeAge),
	})
}

func (s *Store) decide(ctx context.Context, holder User, id identity) (User, Sight, error) {
	account, err := s.holders.Ask(ctx, holder.FirebaseUID, decisionLimit, func(ctx context.Context) (firebase.User, error) {
		return s.accounts.User(ctx, holder.FirebaseUID)
	})
	if errors.Is(err, firebase.ErrUserNotFound) {
		return s.relink(ctx, holder, id)
	}
	if err != nil {
		// Firebase's throttling does not refuse this sign-in.
		return User{}, SightRefused, errUndecided.With(fmt.Errorf("ask who holds the address of %s: %w", id.uid, err))
	}
	current := PlaceholderEmail(holder.ID)
	if account.Email != "" {
		if current, err = CanonicalEmail(account.Email); err != nil {
			return User{}, SightRefused, ErrIdentityConflict.With(err)
		}
	}
	if current == id.email {
		return User{}, SightRefused, ErrIdentityConflict
	}
	return s.storeChangedEmail(ctx, holder, current)
}

// storeChangedEmail frees the address. errRaced: try it again.
func (s *Store) storeChangedEmail(ctx context.Context, holder User, current string) (User, Sight, error) {
	var changed int64
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		changed, err = s.queries.StoreChangedEmail(ctx, tx, db.StoreChangedEmailParams{
			ID: holder.ID, FirebaseUID: holder.FirebaseUID, Email: current,
		})
		if err != nil || changed == 0 {
			return err
		}
		return audit.Record(ctx, tx, audit.Event{
			Action: "user.email_changed", Actor: "system", UserID: holder.ID, RequestID: telemetry.RequestID(ctx),
			Details: map[string]any{"reason": "the address was changed at Firebase"},
		})
	})
	if pg.UniqueViolation(err) != "" {
		return User{}, SightRefused, ErrIdentityConflict.With(err) // a third row has the new address
	}
	if err != nil {
		return User{}, SightRefused, fmt.Errorf("store the changed address of user %s: %w", holder.ID, err)
	}
	if changed > 0 {
		s.onChange(ctx, holder.ID)
	}
	return User{}, SightRefused, errRaced
}

// keepsPassword sets the local password aside unless its address is proven.
func (s *Store) keepsPassword(ctx context.Context, tx pgx.Tx, holder User) (bool, error) {
	if !holder.EmailProvenAt.IsZero() {
		return true, nil
	}
	keep, err := s.vouched(ctx, tx, holder)
	if err != nil || keep {
		return keep, err
	}
	return false, s.setAside(ctx, tx, holder, "the account of an address that nobody had proven is gone")
}

// relink gives a deleted account's row to its address's new account. Like F3 it demands a proven address: a recycled address must not
// inherit the row's data.
func (s *Store) relink(ctx context.Context, holder User, id identity) (User, Sight, error) {
	var relinked User
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		keep, err := s.keepsPassword(ctx, tx, holder)
		if err != nil {
			return err
		}
		params := db.RelinkIdentityParams{
			ID: holder.ID, FirebaseUID: id.uid, GoneFirebaseUID: holder.FirebaseUID, ProviderData: id.providerData,
			AddressProven: s.provesAddress(id), Seen: id.seen, KeepPassword: keep, ProvenBy: s.provenBy(id),
		}
		if params.ProvenBy != nil {
			params.ProvenAt = &id.authTime
		}
		row, err := s.queries.RelinkIdentity(ctx, tx, params)
		if err != nil {
			return err
		}
		if err := EndLegacySessions(ctx, tx, holder.ID, s.clocks.Ending(time.Time{}, time.Time{})); err != nil {
			return err
		}
		relinked = FromRow(row.User())
		return audit.Record(ctx, tx, audit.Event{
			Action: "user.relinked", Actor: id.actor, UserID: holder.ID, RequestID: telemetry.RequestID(ctx),
			Details: map[string]any{"gone_firebase_uid": holder.FirebaseUID, "provider": id.provider},
		})
	})
	if pg.NoRows(err) || pg.UniqueViolation(err) == uidIndex {
		return s.knownOr(ctx, id.uid, ErrIdentityConflict)
	}
	if err != nil {
		return User{}, SightRefused, fmt.Errorf("relink user %s: %w", holder.ID, err)
	}
	s.onChange(ctx, holder.ID)
	return relinked, SightRelinked, nil
}
