package user

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/intent"
	"auth-v2-service/internal/operator"
	"auth-v2-service/internal/pg"
)

// The intent commits before the call and ends with tx.
func (s *Store) changeAtFirebase(ctx context.Context, tx pgx.Tx, was User, c Change, by Operator) error {
	change, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode a change of user %s: %w", was.ID, err)
	}
	begun, err := s.intents.Begin(ctx, intent.Intent{
		Kind: intent.Change, UserID: was.ID, FirebaseUID: was.FirebaseUID, Actor: by.Actor, Change: change,
	})
	if err != nil {
		return err
	}
	if err := s.accounts.SetEmail(ctx, was.FirebaseUID, *c.Email); err != nil {
		s.intents.Withdraw(ctx, begun.ID, err)
		return emailRefusal(was, err)
	}
	return s.intents.EndChange(ctx, tx, begun)
}

func emailRefusal(was User, err error) error {
	switch {
	case errors.Is(err, firebase.ErrEmailExists):
		return ErrEmailTaken.With(err)
	case errors.Is(err, firebase.ErrUserNotFound):
		return ErrNoAccount.With(err)
	case errors.Is(err, firebase.ErrInvalidUser):
		return ErrInvalidEmail.With(err)
	}
	return errNoAnswer.With(fmt.Errorf("change the e-mail of user %s at Firebase: %w", was.ID, err))
}

// SettleChange completes an interrupted Change if Firebase has the new address; settled is false until then. If the operator may not act
// any more, only the address follows. On a uniqueness conflict Sync decides.
func (s *Store) SettleChange(ctx context.Context, i intent.Intent) (settled bool, err error) {
	var c Change
	if err := json.Unmarshal(i.Change, &c); err != nil || c.Email == nil {
		return false, fmt.Errorf("read the change %s of user %s: %w", i.ID, i.UserID, err)
	}
	account, err := s.accounts.User(ctx, i.FirebaseUID)
	if errors.Is(err, firebase.ErrUserNotFound) {
		return true, s.intents.Drop(ctx, i.ID)
	}
	if err != nil {
		return false, fmt.Errorf("ask Firebase for the address of user %s: %w", i.UserID, err)
	}
	if canonicalForm(account.Email) != *c.Email {
		return false, nil
	}
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error { return s.settleChangeIn(ctx, tx, i, c) })
	if pg.UniqueViolation(err) != "" {
		if _, err := s.Sync(ctx, i.FirebaseUID, i.Actor); err != nil {
			return false, err
		}
		return true, s.intents.Drop(ctx, i.ID)
	}
	if err != nil {
		return false, fmt.Errorf("complete a change of user %s: %w", i.UserID, pg.Fault(err))
	}
	s.onChange(ctx, i.UserID)
	return true, nil
}

func (s *Store) settleChangeIn(ctx context.Context, tx pgx.Tx, i intent.Intent, c Change) error {
	_, err := operator.Hold(ctx, tx, operator.ByActor(i.Actor), i.UserID) // first: the request's lock order
	refused := errors.Is(err, operator.ErrNotAdmin) || errors.Is(err, operator.ErrKeyRevoked)
	if refused {
		err = s.queries.LockUser(ctx, tx, i.UserID)
	}
	if err != nil {
		return err
	}
	if ended, err := s.intents.End(ctx, tx, i.ID); err != nil || !ended {
		return err
	}
	row, err := s.queries.UserByID(ctx, tx, i.UserID)
	if pg.NoRows(err) {
		return nil
	}
	if err != nil {
		return err
	}
	was := FromRow(row)
	if refused {
		c = Change{Email: c.Email}
	}
	c = c.differing(was, row.Email)
	details := c.details(was)
	if details == nil || was.FirebaseUID != i.FirebaseUID {
		return nil
	}
	params := db.ChangeUserParams{ID: i.UserID, Username: c.Username, UserType: c.Type, Email: c.Email}
	if _, err := s.queries.ChangeUser(ctx, tx, params); err != nil {
		return err
	}
	return s.record(ctx, tx, i.UserID, Operator{Actor: i.Actor}, "user.changed", details)
}
