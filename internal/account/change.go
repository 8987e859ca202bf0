package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"auth-v2-service/gen/db"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/pause"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/user"
)

// ErrNoPassword refuses a password to who has no e-mail to sign in with.
var ErrNoPassword = fault.New(fault.UnsupportedIdentity,
	"this sign-in has no e-mail, phone or provider identity that an account can be made of")

// errChanged says that somebody else has changed the same password in this instant.
var errChanged = fault.Unavailable("the password was changed at the same time; try again", nil)

// PasswordChange is a new password, and the current one where the sign-in is older than five minutes (A10).
type PasswordChange struct {
	Current string
	New     string
	Client  Client
}

// ChangePassword sets a new password where it lives, ends every session (T4), and begins a new one. At Firebase the change is
// made there first: when Firebase cannot be reached, nothing has changed (S4). A *MFAError means that the password is changed
// and that the new session wants the second factor.
func (s *Service) ChangePassword(ctx context.Context, p principal.Principal, c PasswordChange) (Session, error) {
	if err := checkNewPassword(c.New); err != nil {
		return Session{}, asField(err, "newPassword")
	}
	if p.User.Email == "" {
		return Session{}, ErrNoPassword
	}
	if err := s.confirm(ctx, p, c.Current, c.Client); err != nil {
		return Session{}, err
	}
	if p.User.AuthProvider == user.ProviderLocal {
		return s.changeHere(ctx, p.User, c)
	}
	return s.changeAtFirebase(ctx, p.User, c)
}

func (s *Service) changeHere(ctx context.Context, u user.User, c PasswordChange) (Session, error) {
	row, err := s.queries.UserCredentials(ctx, s.pool, u.ID)
	if pg.NoRows(err) || err == nil && row.PasswordHash == nil {
		return Session{}, user.ErrRevoked
	}
	if err != nil {
		return Session{}, fmt.Errorf("read the password of user %s: %w", u.ID, pg.Fault(err))
	}
	hash, err := s.hash(ctx, c.New)
	if err != nil {
		return Session{}, err
	}
	changed, err := s.queries.SetLocalPassword(ctx, s.pool, db.SetLocalPasswordParams{
		ID: u.ID, PasswordHash: hash, OldPasswordHash: *row.PasswordHash,
	})
	if err != nil {
		return Session{}, fmt.Errorf("change the password of user %s: %w", u.ID, pg.Fault(err))
	}
	if changed == 0 {
		return Session{}, errChanged
	}
	s.onChange(ctx, u.ID)
	issued, err := s.sessions.Begin(ctx, u.ID, c.Client.Agent)
	return legacySession(issued), err
}

func (s *Service) changeAtFirebase(ctx context.Context, u user.User, c PasswordChange) (Session, error) {
	hash, err := s.hash(ctx, c.New)
	if err != nil {
		return Session{}, err
	}
	if err := s.identities.SetPassword(ctx, u.FirebaseUID, c.New); err != nil {
		return Session{}, fmt.Errorf("change the password at Firebase: %w", asField(err, "newPassword"))
	}
	if err := s.passwordChanged(ctx, u, hash); err != nil {
		return Session{}, err
	}
	fresh, err := s.signIn(ctx, u.Email, c.New)
	if err != nil {
		return Session{}, fmt.Errorf("sign in with the new password: %w", told(err))
	}
	return s.beginSession(ctx, fresh, u.Email, c.New)
}

// How long we go on telling the database what Firebase has already done: the old sessions must end.
const (
	ourHalf      = 4 * time.Second
	ourHalfAgain = 250 * time.Millisecond
)

// passwordChanged is our half of a change that Firebase has made: the local hash follows, and every session is over. Neither the
// caller's hanging up nor a moment without the database leaves it undone.
func (s *Service) passwordChanged(ctx context.Context, u user.User, hash string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ourHalf)
	defer cancel()
	for {
		_, err := s.queries.PasswordChangedAtFirebase(ctx, s.pool, db.PasswordChangedAtFirebaseParams{ID: u.ID, PasswordHash: hash})
		if err == nil {
			s.onChange(ctx, u.ID)
			return nil
		}
		if pause.For(ctx, ourHalfAgain) != nil {
			return fmt.Errorf("end the sessions of user %s after a new password: %w", u.ID, pg.Fault(err))
		}
	}
}

// asField names the field that a refused password came in.
func asField(err error, field string) error {
	var refused *fault.Error
	if !errors.As(err, &refused) || refused.Code != fault.WeakPassword || len(refused.Fields) != 1 {
		return err
	}
	renamed := *refused
	renamed.Fields = []fault.Field{{Field: field, Message: refused.Fields[0].Message}}
	return &renamed
}
