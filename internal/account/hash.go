package account

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/crypto/bcrypt"
)

// unusable is a hash that no password fits, as in shadow(5).
const unusable = "!"

// hash makes the bcrypt hash of a password. One that bcrypt could not read whole (A6) has none: unusable.
func (s *Service) hash(ctx context.Context, password string) (string, error) {
	if len(password) > maxPasswordBytes {
		return unusable, nil
	}
	leave, err := s.mayHash(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	hashed, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return string(hashed), nil
}

// proveHash holds a password against a bcrypt hash of any variant and cost, the old service's included: like it, bcrypt reads the
// first 72 bytes of a longer password. A hash that is none fits nothing. Errors: ErrInvalidCredentials, or the caller's end.
func (s *Service) proveHash(ctx context.Context, hash *string, password string) error {
	if hash == nil {
		return ErrInvalidCredentials
	}
	leave, err := s.mayHash(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if err := bcrypt.CompareHashAndPassword([]byte(*hash), []byte(password)); err != nil {
		return ErrInvalidCredentials.With(errors.New("the hash does not fit"))
	}
	return nil
}

// mayHash waits for a place: bcrypt is made to be slow, and a flood of sign-ins must leave a core to those who verify tokens.
func (s *Service) mayHash(ctx context.Context) (leave func(), err error) {
	select {
	case s.hashing <- struct{}{}:
		return func() { <-s.hashing }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to check a password: %w", ctx.Err())
	}
}
