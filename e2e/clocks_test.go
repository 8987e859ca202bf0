package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/testkit/servicetest"
)

// clockCell offsets clocks from PostgreSQL's, which no test can set. PostgreSQL's is wrong where both offsets agree.
type clockCell struct{ machine, firebase time.Duration }

var clockCells = map[string]clockCell{
	"all agree":              {},
	"Firebase 2 s ahead":     {firebase: 2 * time.Second},
	"Firebase 50 s ahead":    {firebase: 50 * time.Second},
	"Firebase 2 s behind":    {firebase: -2 * time.Second},
	"Firebase 60 s behind":   {firebase: -time.Minute},
	"Firebase 4 min behind":  {firebase: -4 * time.Minute},
	"machine 60 s ahead":     {machine: time.Minute},
	"machine 5 min ahead":    {machine: 5 * time.Minute},
	"machine 5 min behind":   {machine: -5 * time.Minute},
	"machine a day ahead":    {machine: 24 * time.Hour},
	"machine a day behind":   {machine: -24 * time.Hour},
	"database 60 s ahead":    {machine: -time.Minute, firebase: -time.Minute},
	"database 5 min ahead":   {machine: -5 * time.Minute, firebase: -5 * time.Minute},
	"database 5 min behind":  {machine: 5 * time.Minute, firebase: 5 * time.Minute},
	"database a day ahead":   {machine: -24 * time.Hour, firebase: -24 * time.Hour},
	"database a day behind":  {machine: 24 * time.Hour, firebase: 24 * time.Hour},
	"database 60 days ahead": {machine: -60 * 24 * time.Hour, firebase: -60 * 24 * time.Hour},
}

func startAt(t *testing.T, c clockCell, env ...map[string]string) *servicetest.Service {
	t.Helper()
	stack := servicetest.NewStackAt(t, c.firebase)
	stack.MachineAhead = c.machine
	return stack.Start(t, env...)
}

// T4, A10: sessions before the logout end, and later ones count.
func TestClocks_LogoutAndGoOn_T4_A10(t *testing.T) {
	t.Parallel()
	for name, c := range clockCells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startAt(t, c)
			email := servicetest.Email()
			first := sessionOf(t, ask(t, s, http.MethodPost, "/v1/auth/register", registerBody(t, email, servicetest.Password)), http.StatusCreated)
			other := newLogin(t, s, email, servicetest.Password)
			legacy := legacyLogin(t, s, email, servicetest.Password)
			expectUser(t, s, "a legacy token", legacy.AccessToken)
			ask(t, s, http.MethodPost, "/v1/auth/logout", "", authorized(first.IDToken)...).expect(t, "logout", http.StatusOK, "")
			for what, token := range map[string]string{"that asked": first.IDToken, "beside it": other.IDToken, "of the legacy kind": legacy.AccessToken} {
				if status, code, _ := s.Verify(t, token); status != http.StatusUnauthorized || code != "token_revoked" {
					t.Errorf("T4: the session %s, after the logout: %d %q, expected 401 token_revoked", what, status, code)
				}
			}
			refresh(t, s, "/auth/refresh", legacy.RefreshToken).expect(t, "T4: the legacy refresh token", http.StatusUnauthorized, "token_revoked")

			again := newLogin(t, s, email, servicetest.Password)
			expectUser(t, s, "a session at Firebase after the logout", again.IDToken)
			afterwards := legacyLogin(t, s, email, servicetest.Password)
			expectUser(t, s, "a legacy session after the logout", afterwards.AccessToken)
			if renewed := pairOf(t, refresh(t, s, "/auth/refresh", afterwards.RefreshToken), http.StatusOK); renewed.AccessToken != "" {
				expectUser(t, s, "a legacy token that was just renewed", renewed.AccessToken)
			}
			ask(t, s, http.MethodPost, "/v1/auth/password/change", `{"newPassword":"AnotherPassword456"}`, authorized(again.IDToken)...).
				expect(t, "A10: a new password with a sign-in of now", http.StatusOK, "")
		})
	}
}

// T8: no clock of Firebase's dates a local person's sessions.
func TestClocks_LocalPersons_T4(t *testing.T) {
	t.Parallel()
	for name, c := range clockCells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startAt(t, c)
			email := servicetest.Email()
			localUser(t, s.Stack, email, servicetest.Password)
			before := legacyLogin(t, s, email, servicetest.Password)
			expectUser(t, s, "a token that was just issued", before.AccessToken)
			renewed := pairOf(t, refresh(t, s, "/auth/refresh", before.RefreshToken), http.StatusOK)
			ask(t, s, http.MethodPost, "/auth/logout", "", authorized(renewed.AccessToken)...).expect(t, "logout", http.StatusOK, "")
			for what, token := range map[string]string{"renewed": renewed.AccessToken, "before": before.AccessToken} {
				if status, code, _ := s.Verify(t, token); status != http.StatusUnauthorized || code != "token_revoked" {
					t.Errorf("T4: the token %s, after the logout: %d %q, expected 401 token_revoked", what, status, code)
				}
			}
			after := legacyLogin(t, s, email, servicetest.Password)
			expectUser(t, s, "a token of after the logout", after.AccessToken)
		})
	}
}

// O1, O2: only an instance with a wrong clock of its own turns unready.
func TestClocks_SkewIsSeen_O2(t *testing.T) {
	t.Parallel()
	for name, cell := range map[string]struct {
		clockCell
		says  string
		ready bool
	}{
		"database": {clockCell{machine: -2 * time.Minute, firebase: -2 * time.Minute}, `auth_clock_skew_seconds{clock="postgresql"} 1`, true},
		"Firebase": {clockCell{firebase: -2 * time.Minute}, `auth_clock_skew_seconds{clock="firebase"} -1`, true},
		"machine":  {clockCell{machine: 2 * time.Minute}, `auth_clock_skew_seconds{clock="postgresql"} -1`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startAt(t, cell.clockCell)
			eventually(t, "Firebase's clock has been read", func() bool { return strings.Contains(metrics(t, s), `auth_clock_skew_seconds{clock="firebase"}`) })
			status := map[bool]int{true: http.StatusOK, false: http.StatusServiceUnavailable}[cell.ready]
			for range 3 {
				ready := ask(t, s, http.MethodGet, "/health/ready", "")
				if ready.status != status || !cell.ready && !strings.Contains(string(ready.body), "machine_clock") {
					t.Errorf("O2: readiness is %d, expected %d\n%s", ready.status, status, ready.body)
				}
			}
			if !strings.Contains(metrics(t, s), cell.says) {
				t.Errorf("the metrics do not say %q\n%s", cell.says, metrics(t, s))
			}
			if health := ask(t, s, http.MethodGet, "/health", ""); cell.ready && !failing(t, health.body, "clocks") {
				t.Errorf("health does not tell of the clocks\n%s", health.body)
			}
			lines := strings.Count(s.Log.String(), "a clock is apart from this machine's")
			if want := map[bool]int{true: 1, false: 2}[cell.ready]; lines != want {
				t.Errorf("the log tells of it %d times, expected %d", lines, want)
			}
		})
	}
}

func failing(t *testing.T, health []byte, name string) bool {
	t.Helper()
	var answer struct {
		Data struct {
			Checks []struct{ Name, Status string }
		}
	}
	if err := json.Unmarshal(health, &answer); err != nil {
		t.Fatal(err)
	}
	for _, check := range answer.Data.Checks {
		if check.Name == name {
			return check.Status == "failing"
		}
	}
	return false
}
