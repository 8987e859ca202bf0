package move_test

import (
	"context"
	"errors"
	"testing"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/move"
)

// misread is a provider that misreads a dialect.
type misread struct {
	move.Identities
	hash string
}

func (m misread) Import(ctx context.Context, users []firebase.ImportUser) ([]firebase.ImportFailure, error) {
	users[0].PasswordHash = m.hash
	return m.Identities.Import(ctx, users)
}

func TestHashIsReadInAnotherWay(t *testing.T) {
	s := newStage(t)
	m := s.mover(with(misread{s.client, hashOf(t, "another one")}))
	id, short := s.local(local{}), s.local(local{password: "four"})
	if _, err := m.AtSignIn(t.Context(), id, password); err != nil {
		t.Error(err)
	}
	s.mustBeMoved(id, id.String(), password)
	if _, err := m.AtSignIn(t.Context(), short, "four"); !errors.Is(err, move.ErrConflict) {
		t.Errorf("the short one gives %v", err)
	}
	s.mustBeLocal(short, "weak_password")
}

type elsewhere struct{ move.Identities }

func (e elsewhere) SignIn(ctx context.Context, email, password string) (firebase.Session, error) {
	session, err := e.Identities.SignIn(ctx, email, password)
	session.UID = "somebody-else-altogether"
	return session, err
}

func TestSignsInAsSomebodyElse(t *testing.T) {
	s := newStage(t)
	id := s.local(local{})
	if _, err := s.mover(with(elsewhere{s.client})).AtSignIn(t.Context(), id, password); fault.CodeOf(err) != fault.DependencyUnavailable {
		t.Errorf("the move gives %v", err)
	}
	s.mustBeLocal(id, "")
}

func TestRowIsTakenMeanwhile(t *testing.T) {
	for name, c := range map[string]struct {
		statement string
		want      error
		failure   string
	}{
		"shown as active": {"UPDATE auth.users SET federation_status = 'active' WHERE id = $1", move.ErrNotMovable, ""},
		"the uid is another row's": {
			`INSERT INTO auth.users (email, auth_provider, firebase_uid) VALUES ('other@example.com', 'firebase', $1::uuid::text)`,
			move.ErrConflict, "email_owned",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			id := s.local(local{})
			m := s.mover(with(wrapped{s.client, func(operation string) error {
				if operation == "sign in answered" {
					s.exec(c.statement, id)
				}
				return nil
			}}))
			if _, err := m.AtSignIn(t.Context(), id, password); !errors.Is(err, c.want) {
				t.Errorf("the move gives %v", err)
			}
			s.mustBeLocal(id, c.failure)
			if c.failure != "" {
				return
			}
			if _, err := s.mover().AtSignIn(t.Context(), id, password); err != nil {
				t.Error(err)
			}
			s.mustBeMoved(id, id.String(), password)
		})
	}
	t.Run("deleted", func(t *testing.T) {
		s := newStage(t)
		id := s.local(local{})
		m := s.mover(with(wrapped{s.client, func(operation string) error {
			if operation == "sign in" {
				s.exec("DELETE FROM auth.users WHERE id = $1", id)
			}
			return nil
		}}))
		if _, err := m.AtSignIn(t.Context(), id, password); !errors.Is(err, move.ErrNotMovable) {
			t.Errorf("the move gives %v", err)
		}
	})
}
