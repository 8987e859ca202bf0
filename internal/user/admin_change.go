package user

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/audit"
	"auth-v2-service/internal/detach"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/operator"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/telemetry"
)

// Refusals of operators.
var (
	ErrYourself   = fault.New(fault.Forbidden, "nobody does this to their own account; ask another admin")
	ErrEmailTaken = fault.New(fault.EmailTaken, "this e-mail is taken")
	errUnderWay   = fault.Unavailable("this account is being made; try again in a moment", nil)
)

// Operator names the operator of an act.
type Operator = operator.Operator

// Deactivate locks a user out and ends all sessions (T4). Of two admins that deactivate each other one succeeds, so an admin always
// remains. Errors: ErrNotFound, ErrYourself.
func (s *Store) Deactivate(ctx context.Context, id uuid.UUID, reason string, by Operator) (Record, error) {
	if id == by.Admin {
		return Record{}, ErrYourself
	}
	var details map[string]any
	if reason != "" {
		details = map[string]any{"reason": reason}
	}
	return s.applyAdminAction(ctx, id, by, "user.deactivated", details, func(ctx context.Context, tx pgx.Tx) error {
		e := s.clocks.Ending(time.Time{}, time.Time{})
		_, err := s.queries.Deactivate(ctx, tx, db.DeactivateParams{
			ID: id, IssuedUntil: e.FirebaseUntil, FirebaseLead: e.FirebaseLead, LegacyLead: e.LegacyLead,
		})
		if err != nil {
			return err
		}
		return EndLegacySessions(ctx, tx, id, e)
	})
}

// Reactivate also lifts Firebase's disabled. Earlier sessions stay ended.
func (s *Store) Reactivate(ctx context.Context, id uuid.UUID, by Operator) (Record, error) {
	return s.applyAdminAction(ctx, id, by, "user.reactivated", nil, func(ctx context.Context, tx pgx.Tx) error {
		e := s.clocks.Ending(time.Time{}, time.Time{})
		_, err := s.queries.Reactivate(ctx, tx, db.ReactivateParams{
			ID: id, IssuedUntil: e.FirebaseUntil, FirebaseLead: e.FirebaseLead, LegacyLead: e.LegacyLead,
		})
		if err != nil {
			return err
		}
		return EndLegacySessions(ctx, tx, id, e)
	})
}

// EndSessions is RevokeTokens by an operator.
func (s *Store) EndSessions(ctx context.Context, id uuid.UUID, by Operator) (Record, error) {
	return s.applyAdminAction(ctx, id, by, "user.tokens_revoked", nil, func(ctx context.Context, tx pgx.Tx) error {
		e := s.clocks.Ending(time.Time{}, time.Time{})
		_, err := s.queries.EndSessions(ctx, tx, db.EndSessionsParams{
			ID: id, IssuedUntil: e.FirebaseUntil, FirebaseLead: e.FirebaseLead, LegacyLead: e.LegacyLead,
		})
		if err != nil {
			return err
		}
		return EndLegacySessions(ctx, tx, id, e)
	})
}

// applyAdminAction changes a row, records it (O4) and enqueues its sync (S3) in one transaction.
func (s *Store) applyAdminAction(
	ctx context.Context, id uuid.UUID, by Operator, action string, details map[string]any, act func(ctx context.Context, tx pgx.Tx) error,
) (Record, error) {
	changed := true
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := s.holdFor(ctx, tx, id, by); err != nil {
			return err
		}
		err := act(ctx, tx)
		if pg.NoRows(err) {
			changed = false
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.record(ctx, tx, id, by, action, details); err != nil {
			return err
		}
		return s.enqueueSync(ctx, tx, id)
	})
	if err != nil {
		return Record{}, fmt.Errorf("%s, user %s: %w", action, id, pg.Fault(err))
	}
	if changed {
		s.onChange(ctx, id)
	}
	return s.Record(ctx, id)
}

func (s *Store) record(ctx context.Context, tx pgx.Tx, id uuid.UUID, by Operator, action string, details map[string]any) error {
	return audit.Record(ctx, tx, audit.Event{
		Action: action, Actor: by.Actor, UserID: id, RequestID: telemetry.RequestID(ctx), Details: details,
	})
}

func (s *Store) holdFor(ctx context.Context, tx pgx.Tx, id uuid.UUID, by Operator) error {
	held, err := operator.Hold(ctx, tx, by, id)
	if err == nil && !slices.Contains(held, id) {
		return ErrNotFound
	}
	return err
}

// Change is an operator's change; nil fields stay.
type Change struct {
	Username *string
	Type     *string
	Email    *string
}

// Change applies everything or nothing. A user's e-mail at Firebase changes there before the commit (S4): a refusal there changes neither
// side. After a lost answer or commit, SettleChange completes the change. The new address counts as unproven.
//
// Errors: ErrInvalidUsername, ErrInvalidEmail, ErrUsernameTaken, ErrEmailTaken, ErrNotFound, ErrYourself (own type), ErrNoAccount, those of
// operator.Hold, or dependency_unavailable.
func (s *Store) Change(ctx context.Context, id uuid.UUID, c Change, by Operator) (Record, error) {
	c, err := c.valid()
	if err != nil {
		return Record{}, err
	}
	if c.Email != nil {
		leave, err := s.waitOutside(ctx)
		if err != nil {
			return Record{}, err
		}
		defer leave()
	}
	ctx, cancel := detach.Context(ctx, changeTimeout) // cancellation must not stop it half-way
	defer cancel()
	changed := false
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		changed, err = s.changeIn(ctx, tx, id, c, by)
		return err
	})
	switch pg.UniqueViolation(err) {
	case "":
	case usernameKey:
		return Record{}, ErrUsernameTaken.With(err)
	default:
		return Record{}, ErrEmailTaken.With(err)
	}
	if err != nil {
		return Record{}, fmt.Errorf("change user %s: %w", id, pg.Fault(err))
	}
	if changed {
		s.onChange(ctx, id)
	}
	return s.Record(ctx, id)
}

const changeTimeout = 7 * time.Second

func (c Change) valid() (Change, error) {
	if c.Username != nil {
		name, err := ValidUsername(*c.Username)
		if err != nil {
			return Change{}, err
		}
		c.Username = &name
	}
	if c.Email != nil {
		email, err := CanonicalEmail(*c.Email)
		if err != nil {
			return Change{}, err
		}
		c.Email = &email
	}
	return c, nil
}

func (s *Store) changeIn(ctx context.Context, tx pgx.Tx, id uuid.UUID, c Change, by Operator) (changed bool, err error) {
	if err := s.holdFor(ctx, tx, id, by); err != nil {
		return false, err
	}
	row, err := s.queries.UserByID(ctx, tx, id)
	if err != nil {
		return false, err
	}
	was := FromRow(row)
	c = c.differing(was, row.Email)
	if c.Type != nil && id == by.Admin {
		return false, ErrYourself
	}
	details := c.details(was)
	if details == nil {
		return false, nil
	}
	if c.Email != nil && was.FederationStatus == StatusSyncing {
		return false, errUnderWay // Firebase may have no account yet
	}
	params := db.ChangeUserParams{ID: id, Username: c.Username, UserType: c.Type, Email: c.Email}
	if _, err := s.queries.ChangeUser(ctx, tx, params); err != nil {
		return false, err
	}
	if err := s.record(ctx, tx, id, by, "user.changed", details); err != nil {
		return false, err
	}
	if c.Email == nil || was.AuthProvider == ProviderLocal {
		return true, nil
	}
	return true, s.changeAtFirebase(ctx, tx, was, c, by)
}

func (c Change) differing(was User, stored string) Change {
	if c.Username != nil && *c.Username == was.Username {
		c.Username = nil
	}
	if c.Type != nil && *c.Type == was.Type {
		c.Type = nil
	}
	if c.Email != nil && *c.Email == canonicalForm(stored) {
		c.Email = nil
	}
	return c
}

// details contain no personal data. Nil: nothing changes.
func (c Change) details(was User) map[string]any {
	names := []string{}
	details := map[string]any{}
	if c.Username != nil {
		names = append(names, "username")
	}
	if c.Type != nil {
		names = append(names, "user_type")
		details["user_type"] = map[string]any{"old": was.Type, "new": *c.Type}
	}
	if c.Email != nil {
		names = append(names, "email")
	}
	if len(names) == 0 {
		return nil
	}
	details["changed"] = names
	return details
}
