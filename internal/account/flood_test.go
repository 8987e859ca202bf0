package account

import (
	"context"
	"errors"
	"testing"
	"time"

	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/password"
)

type refusesCodes struct{ Identities }

func (refusesCodes) ResetAddress(context.Context, string) (string, error) {
	return "", firebase.ErrInvalidCode
}

func (refusesCodes) ResetPassword(context.Context, string, string) (string, error) {
	return "", firebase.ErrInvalidCode
}

func TestResetPassword_NoHashWithoutACode(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	hasher := password.New(password.Options{OnWork: func(lane string, rounds int) {
		t.Errorf("%d rounds were computed in the lane %s", rounds, lane)
	}})
	s := &Service{identities: refusesCodes{}, passwords: hasher}
	if err := s.ResetPassword(ctx, "made up", "NewPassword123"); !errors.Is(err, ErrCodeInvalid) {
		t.Errorf("a made-up code was answered %v, expected %v", err, ErrCodeInvalid)
	}
}
