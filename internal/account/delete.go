package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/detach"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/intent"
	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/user"
)

const deleteTimeout = 7 * time.Second

// Delete removes the account here and at Firebase: both, or neither. The intent's job repairs a failed commit. A recent sign-in needs no
// currentPassword.
func (s *Service) Delete(ctx context.Context, p principal.Principal, currentPassword string, client Client) error {
	if _, err := s.confirm(ctx, p, currentPassword, client); err != nil {
		return err
	}
	ctx, cancel := detach.Context(ctx, deleteTimeout)
	defer cancel()
	var err error
	for range deleteRounds {
		if err = s.delete(ctx, p); !errors.Is(err, user.ErrAnotherAccount) {
			return err
		}
	}
	return err
}

const deleteRounds = 3

func (s *Service) delete(ctx context.Context, p principal.Principal) error {
	u, err := s.toDelete(ctx, p.User)
	if err != nil {
		return err
	}
	if u.FirebaseUID == "" {
		return s.users.Delete(ctx, u, p.Claims, nothingElsewhere)
	}
	change, err := s.intents.Begin(ctx, intent.Intent{
		Kind: intent.Delete, UserID: u.ID, FirebaseUID: u.FirebaseUID, Actor: "user:" + u.ID.String(),
	})
	if err != nil {
		return err
	}
	asked := false
	err = s.users.Delete(ctx, u, p.Claims, func(ctx context.Context, tx pgx.Tx) error {
		asked = true
		err := s.identities.DeleteUser(ctx, u.FirebaseUID)
		if err != nil && !errors.Is(err, firebase.ErrUserNotFound) {
			s.intents.Withdraw(ctx, change.ID, err)
			return fmt.Errorf("delete at Firebase: %w", err)
		}
		_, err = s.intents.End(ctx, tx, change.ID)
		return err
	})
	if err != nil && !asked {
		return errors.Join(err, s.intents.Drop(ctx, change.ID))
	}
	return err
}

func nothingElsewhere(context.Context, pgx.Tx) error { return nil }

// toDelete rereads the row: an account made by a move must not outlive it. During a move the UID is the row's ID (M1).
func (s *Service) toDelete(ctx context.Context, remembered user.User) (user.User, error) {
	u, err := s.users.ByID(ctx, remembered.ID)
	if errors.Is(err, user.ErrNotFound) {
		return remembered, nil
	}
	if u.FirebaseUID == "" && u.FederationStatus == user.StatusSyncing {
		u.FirebaseUID = u.ID.String()
	}
	return u, err
}
