package move_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/move"
	"auth-v2-service/internal/user"
)

// A2, M1
func TestAtSignIn_MovesAndKeepsThePassword(t *testing.T) {
	s := newStage(t)
	id := s.local(local{email: "Jane@Example.COM"})
	session, err := s.mover().AtSignIn(t.Context(), id, password)
	if err != nil || session.UID != id.String() || session.IDToken == "" || session.RefreshToken == "" {
		t.Fatalf("the move gives %+v, %v", session, err)
	}
	s.mustBeMoved(id, id.String(), password)

	there, _ := s.provider.User(id.String())
	created := time.Date(2024, 3, 1, 10, 0, 0, 0, time.UTC)
	if there.Email != "jane@example.com" || !there.EmailVerified || there.DisplayName != "name "+id.String()[:8] ||
		!there.CreatedAt.Equal(created) || there.Disabled {
		t.Errorf("Firebase has %+v", there)
	}
	if len(s.changed) != 1 || s.changed[0] != id || s.outcome(move.OutcomeMoved) != 1 {
		t.Errorf("heard of %v and %v", s.changed, s.outcomes)
	}
	if n := s.count("SELECT count(*) FROM auth.users WHERE id = $1 AND token_balance = 7 AND password_hash = $2", id, plainHash()); n != 1 {
		t.Error("balance and hash are not what they were")
	}
	if n := s.requests("batchCreate") + s.requests("signInWithPassword"); n != 3 {
		t.Errorf("the move and a sign-in took %d requests", n)
	}
	if _, err := s.mover().AtSignIn(t.Context(), id, password); !errors.Is(err, move.ErrNotMovable) {
		t.Errorf("moving again gives %v", err)
	}
}

// A9
func TestNow_MovesWithoutAPassword(t *testing.T) {
	s := newStage(t)
	id := s.local(local{})
	if err := s.mover().WithoutPassword(t.Context(), id, "anonymous"); err != nil {
		t.Fatal(err)
	}
	if n := s.requests("signInWithPassword"); n != 0 {
		t.Errorf("%d sign-ins", n)
	}
	s.mustBeMoved(id, id.String(), password)
}

// O4
func TestAudit_HasNoPersonalData(t *testing.T) {
	s := newStage(t)
	id := s.local(local{email: "jane@example.com"})
	if _, err := s.provider.PutUser(identity.User{Email: "jane@example.com", Password: "another one"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.mover().AtSignIn(t.Context(), id, password); err != nil {
		t.Fatal(err)
	}
	rows, err := s.pool.Query(t.Context(), "SELECT row_to_json(e)::text FROM auth.audit_events e")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	events := 0
	for rows.Next() {
		var event string
		if err := rows.Scan(&event); err != nil {
			t.Fatal(err)
		}
		events++
		for _, secret := range []string{"jane", "example.com", "displaced.invalid", "name ", password, "$2"} {
			if strings.Contains(event, secret) {
				t.Errorf("an event says %q: %s", secret, event)
			}
		}
	}
	if events != 2 {
		t.Errorf("%d events", events)
	}
}

// M5
func TestPolicy(t *testing.T) {
	s := newStage(t)
	s.exec("ALTER TABLE auth.users ADD COLUMN email_verified boolean")
	column := move.Policy{Allowed: true, Verified: user.PlatformVerified{Column: "email_verified"}}
	for name, c := range map[string]struct {
		policy   move.Policy
		userType string
		column   bool
		verified bool
	}{
		"trust":                      {trusted, "user", false, true},
		"trust and an admin":         {trusted, "admin", true, false},
		"unverified":                 {move.Policy{Allowed: true}, "user", true, false},
		"the column says yes":        {column, "user", true, true},
		"the column says no":         {column, "user", false, false},
		"the column says yes, admin": {column, "admin", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			id := s.local(local{userType: c.userType})
			s.exec("UPDATE auth.users SET email_verified = $2 WHERE id = $1", id, c.column)
			if _, err := s.mover(under(c.policy)).AtSignIn(t.Context(), id, password); err != nil {
				t.Fatal(err)
			}
			s.mustBeMoved(id, id.String(), password)
			if there, _ := s.provider.User(id.String()); there.EmailVerified != c.verified {
				t.Errorf("Firebase says verified: %t", there.EmailVerified)
			}
		})
	}
	t.Run("undecided", func(t *testing.T) {
		id, before := s.local(local{}), s.requests("batchCreate")
		if _, err := s.mover(under(move.Policy{})).AtSignIn(t.Context(), id, password); !errors.Is(err, move.ErrNotMovable) {
			t.Errorf("moving gives %v", err)
		}
		if s.mustBeLocal(id, ""); s.requests("batchCreate") != before {
			t.Error("Firebase was asked")
		}
	})
}

func TestAtSignIn_NotMovable(t *testing.T) {
	s := newStage(t)
	for name, change := range map[string]string{
		"inactive":           "is_active = false",
		"disabled":           "federation_status = 'disabled'",
		"at Firebase":        "auth_provider = 'firebase', firebase_uid = 'a-uid-of-twenty-characters', password_hash = NULL",
		"returned, uid kept": "firebase_uid = 'another-uid-of-twenty-char'",
	} {
		id := s.local(local{})
		s.exec("UPDATE auth.users SET "+change+" WHERE id = $1", id)
		if _, err := s.mover().AtSignIn(t.Context(), id, password); !errors.Is(err, move.ErrNotMovable) {
			t.Errorf("%s: moving gives %v", name, err)
		}
	}
	if err := s.mover().WithoutPassword(t.Context(), uuid.New(), "anonymous"); !errors.Is(err, move.ErrNotMovable) {
		t.Errorf("moving nobody gives %v", err)
	}
	if s.accounts() != 0 || s.outcome(move.OutcomeNotMovable) != 5 {
		t.Errorf("%d accounts, %v", s.accounts(), s.outcomes)
	}
}

// A6
func TestAtSignIn_OldHashesAndPasswords(t *testing.T) {
	s := newStage(t)
	long := strings.Repeat("0123456789", 8)
	for name, l := range map[string]local{
		"$2a$":      {hash: plainHash()},
		"$2b$":      {hash: "$2b$" + plainHash()[4:]},
		"$2y$":      {hash: "$2y$" + plainHash()[4:]},
		"80 bytes":  {password: long},
		"6 letters": {password: "secret"},
		"4 letters": {password: "four"},
		"non-ASCII": {password: "gr\u00fc\u00dfe \U0001f600"},
	} {
		t.Run(name, func(t *testing.T) {
			id, typed := s.local(l), l.password
			if typed == "" {
				typed = password
			}
			if _, err := s.mover().AtSignIn(t.Context(), id, typed); err != nil {
				t.Fatal(err)
			}
			s.mustBeMoved(id, id.String(), typed)
		})
	}
}

// M3
func TestInvalidHash(t *testing.T) {
	s := newStage(t)
	id := s.local(local{hash: "5f4dcc3b5aa765d61d8327deb882cf99"})
	m := s.mover()
	if _, err := m.AtSignIn(t.Context(), id, password); !errors.Is(err, move.ErrConflict) || fault.CodeOf(err) != fault.IdentityConflict {
		t.Errorf("moving gives %v", err)
	}
	s.mustBeLocal(id, "invalid_hash")
	if _, err := m.AtSignIn(t.Context(), id, password); !errors.Is(err, move.ErrNotMovable) || s.requests("batchCreate") != 0 {
		t.Errorf("at once again gives %v", err)
	}
	s.lapse(id)
	s.exec("UPDATE auth.users SET password_hash = $2 WHERE id = $1", id, plainHash())
	if _, err := m.AtSignIn(t.Context(), id, password); err != nil {
		t.Errorf("after an hour, mended: %v", err)
	}
	s.mustBeMoved(id, id.String(), password)
}

func TestInvalidAddress(t *testing.T) {
	s := newStage(t)
	for _, address := range []string{"no address", "jos\u00e9@example.com", "x@users.noreply.invalid"} {
		id := s.local(local{email: address})
		if err := s.mover().WithoutPassword(t.Context(), id, "anonymous"); !errors.Is(err, move.ErrConflict) {
			t.Errorf("moving %q gives %v", address, err)
		}
		s.mustBeLocal(id, "invalid_email")
	}
}

// M2
func TestAtSignIn_ManyAtOnceImportOnce(t *testing.T) {
	s := newStage(t)
	id := s.local(local{})
	const crowd = 16
	errs := make([]error, crowd)
	var all sync.WaitGroup
	for i := range crowd {
		m := s.mover()
		all.Go(func() { _, errs[i] = m.AtSignIn(t.Context(), id, password) })
	}
	all.Wait()
	moved := 0
	for _, err := range errs {
		switch {
		case err == nil:
			moved++
		case !errors.Is(err, move.ErrNotMovable):
			t.Errorf("a sign-in gives %v", err)
		}
	}
	if moved != 1 || s.requests("batchCreate") != 1 || s.accounts() != 1 {
		t.Errorf("%d moved, %d imports, %d accounts", moved, s.requests("batchCreate"), s.accounts())
	}
	s.mustBeMoved(id, id.String(), password)
}

func TestAtSignIn_HangingUpStopsNothing(t *testing.T) {
	s := newStage(t)
	id := s.local(local{})
	ctx, hangUp := context.WithCancel(t.Context())
	m := s.mover(with(wrapped{s.client, func(string) error {
		hangUp()
		return nil
	}}))
	if _, err := m.AtSignIn(ctx, id, password); err != nil {
		t.Error(err)
	}
	s.mustBeMoved(id, id.String(), password)
}

func TestAtSignIn_ChangedMeanwhile(t *testing.T) {
	for name, c := range map[string]struct {
		change, back string
		argument     any
	}{
		"password":    {"password_hash = $2", "", hashOf(t, "a newer password")},
		"address":     {"email = $2", "", "new@example.com"},
		"deactivated": {"is_active = $2", "is_active = true", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			id := s.local(local{})
			m := s.mover(with(wrapped{s.client, func(operation string) error {
				if operation == "sign in" {
					s.exec("UPDATE auth.users SET "+c.change+" WHERE id = $1", id, c.argument)
				}
				return nil
			}}))
			if _, err := m.AtSignIn(t.Context(), id, password); !errors.Is(err, move.ErrNotMovable) {
				t.Errorf("the move gives %v", err)
			}
			s.mustBeLocal(id, "")
			if c.back == "" {
				return
			}
			s.exec("UPDATE auth.users SET "+c.back+" WHERE id = $1", id)
			if _, err := s.mover().AtSignIn(t.Context(), id, password); err != nil {
				t.Error(err)
			}
			s.mustBeMoved(id, id.String(), password)
		})
	}
}
