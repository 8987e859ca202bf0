package move_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/move"
)

func (s *stage) known(id uuid.UUID, there identity.User) string {
	s.Helper()
	there.Email = s.state(id).email
	if len(there.Providers) == 0 {
		uid, err := s.provider.PutUser(there)
		if err != nil {
			s.Fatal(err)
		}
		return uid
	}
	providers := there.Providers
	there.Providers = nil
	var uid string
	for _, p := range providers {
		session, err := s.provider.SignIn(s.Context(), there, p)
		if err != nil {
			s.Fatal(err)
		}
		uid = session.UID
	}
	return uid
}

// M6
func TestAddressIsKnown(t *testing.T) {
	google := []string{"google.com"}
	unverified := move.Policy{Allowed: true}
	for name, c := range map[string]struct {
		there    identity.User
		policy   move.Policy
		userType string
		way      string // or the conflict's code
	}{
		"verified, same password":        {identity.User{EmailVerified: true, Password: password}, trusted, "", "linked"},
		"verified, another password":     {identity.User{EmailVerified: true, Password: "another one"}, trusted, "", "another_password"},
		"verified, Google only":          {identity.User{EmailVerified: true, Providers: google}, trusted, "", "linked"},
		"verified, Google and the same":  {identity.User{EmailVerified: true, Password: password, Providers: google}, trusted, "", "linked"},
		"verified, platform unverified":  {identity.User{EmailVerified: true, Password: password}, unverified, "", "email_taken"},
		"verified, Google, unverified":   {identity.User{EmailVerified: true, Providers: google}, unverified, "", "email_taken"},
		"verified, an admin":             {identity.User{EmailVerified: true, Password: password}, trusted, "admin", "email_taken"},
		"unverified, password only":      {identity.User{Password: "another one"}, trusted, "", "displaced"},
		"unverified on both sides":       {identity.User{Password: "another one"}, unverified, "", "displaced"},
		"unverified, the same password":  {identity.User{Password: password}, trusted, "", "displaced"},
		"unverified, an admin":           {identity.User{Password: "another one"}, trusted, "admin", "displaced"},
		"unverified, another way in":     {identity.User{Password: "another one", Providers: []string{"facebook.com"}}, trusted, "", "displaced"},
		"unverified, no password":        {identity.User{Providers: []string{"facebook.com"}}, trusted, "", "displaced"},
		"unverified, several ways":       {identity.User{Password: password, Providers: []string{"facebook.com", "google.com"}}, unverified, "", "displaced"},
		"unverified and disabled":        {identity.User{Password: password, Disabled: true}, trusted, "", "disabled"},
		"verified and disabled":          {identity.User{EmailVerified: true, Password: password, Disabled: true}, trusted, "", "disabled"},
		"verified, uid too short for us": {identity.User{UID: "short", EmailVerified: true, Password: password}, trusted, "", "email_taken"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			id := s.local(local{userType: c.userType})
			uid := s.known(id, c.there)
			before, _ := s.provider.User(uid)
			session, err := s.mover(under(c.policy)).AtSignIn(t.Context(), id, password)
			after, _ := s.provider.User(uid)
			switch c.way {
			case "linked":
				if err != nil || session.UID != uid {
					t.Errorf("the move gives %+v, %v", session, err)
				}
				s.mustBeMoved(id, uid, password)
			case "displaced":
				if err != nil || session.UID != id.String() || !after.Disabled || after.Email == before.Email {
					t.Errorf("the move gives %+v, %v, and leaves %+v", session, err, after)
				}
				s.mustBeMoved(id, id.String(), password)
			default:
				if !errors.Is(err, move.ErrConflict) || after.Email != before.Email || after.Disabled != before.Disabled ||
					s.accounts() != 1 {
					t.Errorf("the move gives %v and leaves %+v", err, after)
				}
				s.mustBeLocal(id, c.way)
			}
		})
	}
}

// M6
func TestAddressIsKnown_OwnedByAnotherRow(t *testing.T) {
	for _, verified := range []bool{false, true} {
		s := newStage(t)
		id, owner := s.local(local{}), s.local(local{})
		uid := s.known(id, identity.User{Password: password, EmailVerified: verified})
		s.exec("UPDATE auth.users SET firebase_uid = $2, auth_provider = 'hybrid' WHERE id = $1", owner, uid)
		if _, err := s.mover().AtSignIn(t.Context(), id, password); !errors.Is(err, move.ErrConflict) {
			t.Errorf("verified %t: %v", verified, err)
		}
		s.mustBeLocal(id, "email_owned")
		if there, _ := s.provider.User(uid); there.Disabled {
			t.Error("it was displaced")
		}
	}
}

// M1
func TestUIDIsKnown(t *testing.T) {
	for name, c := range map[string]struct {
		there   identity.User
		failure string
	}{
		"an earlier try's": {identity.User{Password: password}, ""},
		"another address":  {identity.User{Email: "other@example.com", Password: password}, "uid_taken"},
		"another password": {identity.User{Password: "another one"}, "another_password"},
		"disabled there":   {identity.User{Password: password, Disabled: true}, "disabled"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			id := s.local(local{})
			c.there.UID = id.String()
			if c.there.Email == "" {
				c.there.Email = s.state(id).email
			}
			if _, err := s.provider.PutUser(c.there); err != nil {
				t.Fatal(err)
			}
			_, err := s.mover().AtSignIn(t.Context(), id, password)
			if c.failure == "" {
				if err != nil {
					t.Error(err)
				}
				s.mustBeMoved(id, id.String(), password)
				return
			}
			if !errors.Is(err, move.ErrConflict) {
				t.Errorf("the move gives %v", err)
			}
			s.mustBeLocal(id, c.failure)
			if s.accounts() != 1 || s.requests("update") != 0 {
				t.Errorf("%d accounts, %d updates", s.accounts(), s.requests("update"))
			}
		})
	}
}

// A9, M6
func TestNow_AddressIsKnown(t *testing.T) {
	s := newStage(t)
	id := s.local(local{})
	uid := s.known(id, identity.User{EmailVerified: true, Password: "another one"})
	if err := s.mover().WithoutPassword(t.Context(), id, "anonymous"); err != nil {
		t.Error(err)
	}
	s.mustBeMoved(id, uid, "another one")
	if s.requests("update") != 0 {
		t.Error("its password was touched")
	}
}

func TestAddressIsKnown_PasswordNoLongerTheRows(t *testing.T) {
	s := newStage(t)
	id := s.local(local{password: "a newer password"})
	s.known(id, identity.User{EmailVerified: true, Password: password})
	if _, err := s.mover().AtSignIn(t.Context(), id, password); !errors.Is(err, move.ErrNotMovable) {
		t.Errorf("the move gives %v", err)
	}
	s.mustBeLocal(id, "")
}
