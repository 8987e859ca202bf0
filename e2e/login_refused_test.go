package e2e

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/testkit/servicetest"
)

// A refusal's time must not reveal an account with a recent revocation. T4: its owner waits and signs in.
func TestLogin_WrongPasswordAfterRevocationIsNoSlower_A3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, map[string]string{"LOGIN_FAILURE_MS": "300"})
	person := s.Person(t)
	mustExec(t, s.Stack, "UPDATE auth.users SET tokens_valid_after = date_trunc('second', now()) + interval '2 seconds' WHERE id = $1",
		person.User.ID)
	wrong := askTimed(t, s, http.MethodPost, "/v1/auth/login", registerBody(t, *person.Email, "WrongPassword1"))
	wrong.expect(t, "login with a wrong password", http.StatusUnauthorized, "invalid_credentials")
	if wrong.took > 900*time.Millisecond {
		t.Errorf("A3: a wrong password was refused after %s, expected as soon as an unknown e-mail: a beat of 300 ms", wrong.took)
	}
	right := logIn(t, s, *person.Email)
	right.expectWithin(t, "T4: login with the right password", 5*time.Second)
	var session struct{ Data client.Session }
	if err := json.Unmarshal(right.body, &session); err != nil {
		t.Fatal(err)
	}
	verify(t, s, session.Data.IDToken).expectWithin(t, "T4: the new session", 2*time.Second)
}

// F8: last_login stays.
func TestLogin_DeactivatedLeavesLastLogin_F9(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	person := s.Person(t)
	mustExec(t, s.Stack, "UPDATE auth.users SET is_active = false, last_login = '2020-01-01', updated_at = '2020-01-01' WHERE id = $1",
		person.User.ID)
	var answer timed
	names := s.Queries.During(func() { answer = logIn(t, s, *person.Email) })
	answer.expect(t, "login", http.StatusForbidden, "account_deactivated")
	if len(names) > 2 {
		t.Errorf("a refused login ran %v, expected two statements at most", names)
	}
	if countRows(t, s.Stack, "last_login = '2020-01-01' AND updated_at = '2020-01-01'") != 1 {
		t.Error("F8: a refused sign-in moved last_login")
	}
}
