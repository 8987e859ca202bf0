package e2e

import (
	"context"
	"net/http"
	"testing"
	"time"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/testkit/servicetest"
)

// known returns a row with these columns and a token that no instance has seen.
func known(t *testing.T, s *servicetest.Service, columns string) (row, string) {
	t.Helper()
	uid, email := newUID(), servicetest.Email()
	first := expectUser(t, s, "first sight", mint(t, s.Stack, claims(uid, email)))
	execute(t, s.Stack, "UPDATE auth.users SET "+columns+" WHERE id = $1", first.ID)
	return rowOf(t, s.Stack, "id = $1", first.ID), mint(t, s.Stack, claims(uid, email, map[string]any{"n": 1}))
}

func TestFirstSight_LastLoginMovesWhenOld(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	for _, value := range []string{"last_login = NULL", "last_login = now() - interval '5 minutes 5 seconds'", "last_login = '2001-01-01'"} {
		before, token := known(t, s, value)
		// A new instance has cached nothing.
		expectUser(t, s.Stack.Start(t), value, token)
		waitFor(t, 5*time.Second, "F8: last_login moves after "+value, func() bool {
			r := rowOf(t, s.Stack, "id = $1", before.ID)
			return r.LastLogin != nil && time.Since(*r.LastLogin) < time.Minute
		})
	}
}

// F8: within 5 minutes only a login writes last_login.
func TestFirstSight_LastLoginStaysWhenFresh(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	before, token := known(t, s, "last_login = now() - interval '4 minutes 30 seconds'")
	other := s.Stack.Start(t)
	expectUser(t, other, "F8", token)
	other.Stop(t) // writes what still waits
	if after := rowOf(t, s.Stack, "id = $1", before.ID); !after.LastLogin.Equal(*before.LastLogin) {
		t.Errorf("F8: last_login moved from %s to %s within 5 minutes", before.LastLogin, after.LastLogin)
	}
	person := s.Person(t)
	first := rowOf(t, s.Stack, "firebase_uid = $1", person.UID)
	answer, err := s.API.LoginWithResponse(t.Context(), client.LoginInput{Email: *person.Email, Password: servicetest.Password})
	if err != nil || answer.JSON200 == nil {
		t.Fatalf("login: %v %s", err, answer.Body)
	}
	if after := rowOf(t, s.Stack, "id = $1", first.ID); !after.LastLogin.After(*first.LastLogin) {
		t.Errorf("F8: last_login is %s after a login, was %s", after.LastLogin, first.LastLogin)
	}
}

func TestFirstSight_LastLoginIsOffThePath(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	before, token := known(t, s, "last_login = NULL")
	other := s.Stack.Start(t)
	tx, err := s.DB.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background()) //nolint:errcheck // ended below where the test goes well
	if _, err := tx.Exec(t.Context(), "SELECT FROM auth.users WHERE id = $1 FOR UPDATE", before.ID); err != nil {
		t.Fatal(err)
	}
	expectUser(t, other, "F8, while the row is locked", token)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// F9: account_deactivated precedes token_revoked. token_expired and token_invalid precede both.
func TestFirstSight_DeactivatedIsNamedFirst(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	revoked := "tokens_valid_after = now() + interval '1 hour'"
	for columns, want := range map[string]struct {
		status int
		code   string
	}{
		"is_active = false":                  {403, "account_deactivated"},
		"is_active = false, " + revoked:      {403, "account_deactivated"},
		"federation_status = 'disabled'":     {403, "account_deactivated"},
		revoked:                              {401, "token_revoked"},
		"is_active = NULL":                   {200, ""},
		"federation_status = NULL":           {200, ""},
		"federation_status = 'failed'":       {200, ""},
		"tokens_valid_after = '1999-01-01Z'": {200, ""},
	} {
		t.Run(columns, func(t *testing.T) {
			r, token := known(t, s, columns)
			other := s.Stack.Start(t)
			expectRefusalOr200(t, other, columns, token, want.status, want.code)
			past := time.Now().Add(-2 * time.Hour).Unix()
			ended := map[string]any{"exp": past + 3600, "iat": past, "auth_time": past}
			expectRefusal(t, other, columns+", expired", mint(t, s.Stack, claims(*r.FirebaseUID, r.Email, ended)), 401, "token_expired")
			expectRefusal(t, other, columns+", tampered with", token[:len(token)-8]+"AAAAAAAA", 401, "token_invalid")
		})
	}
}

func expectRefusalOr200(t *testing.T, s *servicetest.Service, what, token string, status int, code string) {
	t.Helper()
	if gotStatus, gotCode, _ := s.Verify(t, token); gotStatus != status || gotCode != code {
		t.Errorf("%s: verify-token answered %d %s, expected %d %s", what, gotStatus, gotCode, status, code)
	}
}

// F10: a session that begins after the deletion makes a new row.
func TestFirstSight_DeletedAccountLeavesATombstone(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	person := s.Person(t)
	answer, err := s.API.DeleteMeWithResponse(t.Context(), client.DeleteMeInput{}, servicetest.Bearer(person.IDToken))
	if err != nil || answer.JSON200 == nil {
		t.Fatalf("delete: %v %s", err, answer.Body)
	}
	var deletedAt time.Time
	err = s.DB.QueryRow(t.Context(), "SELECT deleted_at FROM auth.tombstones WHERE firebase_uid = $1", person.UID).Scan(&deletedAt)
	if err != nil {
		t.Fatalf("F10: no tombstone: %v", err)
	}
	session := func(authTime time.Time) string {
		return mint(t, s.Stack, claims(person.UID, *person.Email, map[string]any{"auth_time": authTime.Unix()}))
	}
	for name, token := range map[string]string{
		"its own token": person.IDToken, "an hour before": session(deletedAt.Add(-time.Hour)), "a second before": session(deletedAt.Add(-time.Second)),
	} {
		expectRefusal(t, s, "F10, "+name, token, http.StatusUnauthorized, "token_revoked")
		for _, ask := range secured {
			if r := askAs(t, s, ask.method, ask.path, ask.body, token); r.status != http.StatusUnauthorized {
				t.Errorf("F10, %s: %s answered %d %s, expected 401", name, ask.operation, r.status, r.body)
			}
		}
	}
	if n := count(t, s.Stack, "auth.users"); n != 0 {
		t.Errorf("F10: %d rows after the deletion, expected none", n)
	}
	if user := expectUser(t, s, "F10, a later session", session(deletedAt)); user.ID == person.User.ID {
		t.Error("F10: the newcomer has the deleted row's id")
	}
	expectRefusal(t, s, "F10, an old session beside the newcomer's row", session(deletedAt.Add(-time.Second)), 401, "token_revoked")
}

func askAs(t *testing.T, s *servicetest.Service, method, path, body, token string) reply {
	t.Helper()
	return ask(t, s, method, path, body, "Authorization", "Bearer "+token)
}
