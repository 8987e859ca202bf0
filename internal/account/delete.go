package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/principal"
)

// deleteTimeout bounds a deletion, which the caller's hanging up does not stop half-way.
const deleteTimeout = 7 * time.Second

// Delete removes the account here and at Firebase: both, or neither but for a crash between Firebase's answer and our commit,
// after which the same token can do it again. currentPassword may be empty after a recent sign-in.
func (s *Service) Delete(ctx context.Context, p principal.Principal, currentPassword string, client Client) error {
	if err := s.confirm(ctx, p, currentPassword, client); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteTimeout)
	defer cancel()
	return s.users.Delete(ctx, p.User, func(ctx context.Context) error {
		if p.User.FirebaseUID == "" {
			return nil // there is nothing of theirs
		}
		err := s.identities.DeleteUser(ctx, p.User.FirebaseUID)
		if err != nil && !errors.Is(err, firebase.ErrUserNotFound) {
			return fmt.Errorf("delete at Firebase: %w", err)
		}
		return nil
	})
}
