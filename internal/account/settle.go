package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/intent"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

func passwordIntent(u user.User, account firebase.User) intent.Intent {
	return intent.Intent{
		Kind: intent.Password, UserID: u.ID, FirebaseUID: account.UID, PasswordAt: account.PasswordUpdatedAt,
		Actor: "user:" + u.ID.String(),
	}
}

// SettlePassword completes a new password if Firebase's is newer than the intent. The local hash becomes unusable until the next sign-in
// (A7). A change or reset ends earlier sessions (T4). settled is false without a newer password.
func (s *Service) SettlePassword(ctx context.Context, i intent.Intent) (settled bool, err error) {
	account, err := s.identities.User(ctx, i.FirebaseUID)
	if errors.Is(err, firebase.ErrUserNotFound) {
		return true, s.intents.Drop(ctx, i.ID)
	}
	if err != nil {
		return false, fmt.Errorf("ask Firebase for the password of user %s: %w", i.UserID, err)
	}
	if account.PasswordUpdatedAt.Equal(i.PasswordAt) {
		return false, nil
	}
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := s.queries.LockUser(ctx, tx, i.UserID); err != nil { // same lock order as the request
			return err
		}
		ended, setSince, err := s.intents.EndPassword(ctx, tx, i.ID)
		switch {
		case err != nil || !ended || setSince:
			return err
		case i.Kind == intent.Bring:
			return s.setAside(ctx, tx, i)
		}
		return s.endSessionsBefore(ctx, tx, i, account.PasswordUpdatedAt)
	})
	if err != nil {
		return false, fmt.Errorf("complete a new password of user %s: %w", i.UserID, pg.Fault(err))
	}
	s.onChange(ctx, i.UserID)
	return true, nil
}

func (s *Service) endSessionsBefore(ctx context.Context, tx pgx.Tx, i intent.Intent, changed time.Time) error {
	e := s.clocks.Ending(time.Time{}, time.Time{})
	there := db.PasswordChangedAtFirebaseParams{
		ID: i.UserID, PasswordHash: unusable, IssuedUntil: e.FirebaseUntil, FirebaseLead: e.FirebaseLead, LegacyLead: e.LegacyLead,
	}
	here := db.EndLegacySessionsParams{ID: i.UserID, LegacyLead: e.LegacyLead, LegacyIssuedUntil: e.LegacyUntil}
	row, err := s.queries.UserCredentials(ctx, tx, i.UserID)
	if err != nil && !pg.NoRows(err) {
		return err
	}
	// The old password has opened a local row until now: also a session after the change ends.
	if local := row.AuthProvider == nil || *row.AuthProvider == user.ProviderLocal; !local && !changed.IsZero() {
		began := i.Began.Add(time.Duration(e.LegacyLead * float64(time.Second)))
		at := s.clocks.FromFirebase(changed)
		if at.Before(began) {
			at = began
		}
		there.EndsAt, here.EndsAt = &changed, &at
	}
	if err := s.replacePassword(ctx, tx, there); err != nil {
		return err
	}
	if err := s.queries.EndLegacySessions(ctx, tx, here); err != nil {
		return err
	}
	return s.enqueueSync(ctx, tx, i.UserID)
}

func (s *Service) setAside(ctx context.Context, tx pgx.Tx, i intent.Intent) error {
	row, err := s.queries.UserCredentials(ctx, tx, i.UserID)
	if pg.NoRows(err) || err == nil && row.PasswordHash == nil {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = s.follow(ctx, tx, i.UserID, *row.PasswordHash, unusable)
	return err
}

// SettleDelete deletes the row of an interrupted deletion. settled is false while the account exists.
func (s *Service) SettleDelete(ctx context.Context, i intent.Intent) (settled bool, err error) {
	_, err = s.identities.User(ctx, i.FirebaseUID)
	if err == nil {
		return false, nil
	}
	if !errors.Is(err, firebase.ErrUserNotFound) {
		return false, fmt.Errorf("ask Firebase for the account of user %s: %w", i.UserID, err)
	}
	u, err := s.users.ByID(ctx, i.UserID)
	if errors.Is(err, user.ErrNotFound) {
		return true, s.intents.Drop(ctx, i.ID)
	}
	if err != nil {
		return false, err
	}
	if u.FirebaseUID != "" && u.FirebaseUID != i.FirebaseUID {
		return true, s.intents.Drop(ctx, i.ID)
	}
	u.FirebaseUID = i.FirebaseUID // for the tombstone, also during a move
	err = s.users.Delete(ctx, u, token.Claims{}, func(ctx context.Context, tx pgx.Tx) error {
		_, err := s.intents.End(ctx, tx, i.ID)
		return err
	})
	return err == nil, err
}
