package account

import (
	"context"
	"errors"
	"fmt"

	"auth-v2-service/internal/password"
	"auth-v2-service/internal/telemetry"
)

// unusable is a hash that no password fits.
const unusable = password.Unusable

// checkNewPassword holds the rules of a new password (A6).
var checkNewPassword = password.CheckNew

// hash makes the bcrypt hash of a password. One that bcrypt could not read whole (A6) has none: unusable.
func (s *Service) hash(ctx context.Context, typed string) (string, error) {
	hash, err := s.passwords.Hash(ctx, typed)
	if err != nil {
		return "", fmt.Errorf("make a password's hash: %w", err)
	}
	return hash, nil
}

// hashVerifier checks a password against a hash: password.Hasher, or the password.Attempt of a sign-in.
type hashVerifier interface {
	Verify(ctx context.Context, hash, password string) error
}

// proveHash checks a password against a row's hash, outside of a sign-in. Errors are those of proveBy.
func (s *Service) proveHash(ctx context.Context, hash *string, typed string) error {
	return proveBy(ctx, s.passwords, hash, typed)
}

// proveRow checks the password of a sign-in. A hash that no password can fit is logged, since the caller is told nothing of it.
func (s *Service) proveRow(ctx context.Context, p candidate, typed string) error {
	err := proveBy(ctx, p.passwords, p.hash, typed)
	if errors.Is(err, password.ErrTooCostly) || errors.Is(err, password.ErrNotBcrypt) && *p.hash != unusable {
		s.log.WarnContext(ctx, "a password hash cannot be checked: `authd doctor` counts such rows",
			telemetry.FieldUserID, p.id, telemetry.FieldError, err)
	}
	return err
}

// proveBy checks a password against a row's hash. A text that is no hash, and a hash that is too costly to check, fit no password.
// Errors: ErrInvalidCredentials, or password.ErrBusy.
func proveBy(ctx context.Context, by hashVerifier, hash *string, typed string) error {
	if hash == nil {
		return ErrInvalidCredentials
	}
	err := by.Verify(ctx, *hash, typed)
	if errors.Is(err, password.ErrMismatch) || errors.Is(err, password.ErrNotBcrypt) || errors.Is(err, password.ErrTooCostly) {
		return ErrInvalidCredentials.With(err)
	}
	if err != nil {
		return fmt.Errorf("check a password: %w", err)
	}
	return nil
}
