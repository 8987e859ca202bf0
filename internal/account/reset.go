package account

import (
	"context"
	"errors"
	"fmt"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

// ResetPassword sets a password with a mail's code, ends every session and updates a local hash (A7). During outages nothing changes and
// the code stays valid (S4). The intent's job repairs a failed commit. Errors: ErrCodeInvalid, ErrCodeExpired, weak_password,
// dependency_unavailable.
func (s *Service) ResetPassword(ctx context.Context, code, password string) error {
	if err := checkNewPassword(password); err != nil {
		return asNewPassword(err)
	}
	ctx, cancel := detached(ctx)
	defer cancel()
	address, err := s.identities.ResetAddress(ctx, code) // proves the code before any write
	if err != nil {
		return fmt.Errorf("ask Firebase for the address of a code: %w", codeRefusal(err))
	}
	account, err := s.identities.UserByEmail(ctx, address)
	if err != nil {
		return fmt.Errorf("ask Firebase for the account of a code: %w", codeRefusal(err))
	}
	var row db.UserByFirebaseUIDRow
	err = retryOutage(ctx, func(ctx context.Context) (err error) {
		row, err = s.queries.UserByFirebaseUID(ctx, s.pool, account.UID) // the row with the address may be another's (F7)
		return err
	})
	if pg.NoRows(err) {
		return s.resetAtFirebase(ctx, code, password)
	}
	if err != nil {
		return fmt.Errorf("find the row of a password to be reset: %w", pg.Fault(err))
	}
	return s.resetOf(ctx, user.FromRow(row.User()), account, code, password)
}

func (s *Service) resetOf(ctx context.Context, u user.User, account firebase.User, code, password string) error {
	hash := unusable
	if u.AuthProvider == user.ProviderLocal { // returned: no sign-in at Firebase sets it later
		var err error
		if hash, err = s.hash(ctx, password); err != nil {
			return err
		}
	}
	change, err := s.begin(ctx, passwordIntent(u, account))
	if err != nil {
		return err
	}
	if err := s.resetAtFirebase(ctx, code, password); err != nil {
		s.intents.Withdraw(ctx, change.ID, err)
		return err
	}
	if hash == unusable {
		if hash, err = s.hash(ctx, password); err != nil { // after the code: an invalid one must cost no CPU
			hash = unusable // too busy: the next sign-in sets it
		}
	}
	return s.passwordChanged(ctx, u, hash, token.Claims{}, change.ID)
}

func (s *Service) resetAtFirebase(ctx context.Context, code, password string) error {
	if _, err := s.identities.ResetPassword(ctx, code, password); err != nil {
		return fmt.Errorf("reset a password at Firebase: %w", asNewPassword(codeRefusal(err)))
	}
	return nil
}

func codeRefusal(err error) error {
	switch {
	case errors.Is(err, firebase.ErrInvalidCode), errors.Is(err, firebase.ErrUserNotFound), errors.Is(err, firebase.ErrUserDisabled),
		errors.Is(err, firebase.ErrEmailExists):
		return ErrCodeInvalid.With(err)
	case errors.Is(err, firebase.ErrExpiredCode):
		return ErrCodeExpired.With(err)
	default:
		return err
	}
}
