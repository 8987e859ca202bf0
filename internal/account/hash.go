package account

import (
	"context"
	"errors"
	"fmt"

	"auth-v2-service/internal/password"
	"auth-v2-service/internal/telemetry"
)

const unusable = password.Unusable

// checkNewPassword holds A6.
var checkNewPassword = password.CheckNew

// hash returns unusable for a password that bcrypt would truncate (A6).
func (s *Service) hash(ctx context.Context, typed string) (string, error) {
	hash, err := s.passwords.Hash(ctx, typed)
	if err != nil {
		return "", fmt.Errorf("make a password's hash: %w", err)
	}
	return hash, nil
}

type hashVerifier interface {
	Verify(ctx context.Context, hash, password string) error
}

func (s *Service) proveHash(ctx context.Context, hash *string, typed string) error {
	return proveBy(ctx, s.passwords, hash, typed)
}

func (s *Service) proveRow(ctx context.Context, p candidate, typed string) error {
	err := proveBy(ctx, p.passwords, p.hash, typed)
	if errors.Is(err, password.ErrTooCostly) || errors.Is(err, password.ErrNotBcrypt) && *p.hash != unusable {
		s.log.WarnContext(ctx, "a password hash cannot be checked: `authd doctor` counts such rows",
			telemetry.FieldUserID, p.id, telemetry.FieldError, err)
	}
	return err
}

// proveBy treats a malformed or too costly hash as a wrong password.
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
