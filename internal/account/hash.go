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
	VerifyScrypt(ctx context.Context, hash password.ScryptHash, typed string) error
}

func (s *Service) prove(ctx context.Context, p storedPassword, typed string) error {
	return proveBy(ctx, s.passwords, p, typed)
}

func (s *Service) proveRow(ctx context.Context, p candidate, typed string) error {
	err := proveBy(ctx, p.passwords, p.stored, typed)
	switch {
	case errors.Is(err, password.ErrBadScrypt):
		s.log.WarnContext(ctx, "Firebase's hash of a password cannot be checked", telemetry.FieldUserID, p.id, telemetry.FieldError, err)
	case errors.Is(err, password.ErrTooCostly), errors.Is(err, password.ErrNotBcrypt) && *p.stored.hash != unusable:
		s.log.WarnContext(ctx, "a password hash cannot be checked: `authd doctor` counts such rows",
			telemetry.FieldUserID, p.id, telemetry.FieldError, err)
	}
	return err
}

// proveBy treats a malformed or too costly hash as a wrong password.
func proveBy(ctx context.Context, by hashVerifier, p storedPassword, typed string) (err error) {
	switch {
	case p.firebase != nil:
		err = by.VerifyScrypt(ctx, *p.firebase, typed)
	case p.hash != nil:
		err = by.Verify(ctx, *p.hash, typed)
	default:
		return ErrInvalidCredentials
	}
	for _, refusal := range []error{password.ErrMismatch, password.ErrNotBcrypt, password.ErrTooCostly, password.ErrBadScrypt} {
		if errors.Is(err, refusal) {
			return ErrInvalidCredentials.With(err)
		}
	}
	if err != nil {
		return fmt.Errorf("check a password: %w", err)
	}
	return nil
}
