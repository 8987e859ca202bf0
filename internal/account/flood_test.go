package account

import (
	"context"
	"errors"
	"testing"
	"time"

	"auth-v2-service/internal/firebase"
)

// refusesCodes is a Firebase that knows no code.
type refusesCodes struct{ Identities }

func (refusesCodes) ResetPassword(context.Context, string, string) (string, error) {
	return "", firebase.ErrInvalidCode
}

// Whoever has no code gets no hash made: a flood of made-up codes keeps nobody's sign-in waiting.
func TestResetPassword_NoHashWithoutACode(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	s := &Service{identities: refusesCodes{}, hashing: make(chan struct{})} // no place to hash
	if err := s.ResetPassword(ctx, "made up", "NewPassword123"); !errors.Is(err, ErrCodeInvalid) {
		t.Errorf("a made-up code was answered %v, expected %v", err, ErrCodeInvalid)
	}
}
