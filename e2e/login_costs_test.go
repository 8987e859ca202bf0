package e2e

import (
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"auth-v2-service/internal/testkit/servicetest"
)

// passwordRounds is the instance's count of bcrypt rounds, in all batchers.
func passwordRounds(t *testing.T, s *servicetest.Service) (rounds float64) {
	t.Helper()
	answer, err := http.Get(s.MetricsURL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, sample := range roundsSample.FindAllStringSubmatch(string(text), -1) {
		value, err := strconv.ParseFloat(sample[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		rounds += value
	}
	return rounds
}

var roundsSample = regexp.MustCompile(`(?m)^auth_password_rounds_total\{.*\} (\S+)$`)

func hashOfCost(t *testing.T, password string, cost int) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

// A refusal computes the same number of rounds for every hash and for no row; time would depend on the machine. A hash above the bound is
// never computed, and the log names its row.
func TestLoginCosts_ARefusalTellsNothing_A3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, map[string]string{"LOGIN_FAILURE_MS": "1", "BCRYPT_MAX_COST": "10"})
	zeros := strings.Repeat(".", 53)
	emails := map[string]string{"unknown": servicetest.Email(), "odd and unknown": "nobody..at.all@example.com"}
	for name, hash := range map[string]string{
		"cost 4": hashOfCost(t, servicetest.Password, 4), "cost 6": hashOfCost(t, servicetest.Password, 6), "cost 8": hashOfCost(t, servicetest.Password, 8),
		"cost 17": "$2b$17$" + zeros, "cost 31": "$2a$31$" + zeros, "dialect 2x": "$2x$08$" + zeros, "dialect 2y": "$2y$05$" + zeros,
		"too short": "$2b$08$" + zeros[1:], "no cost": "$2b$99$" + zeros, "MD5": "5f4dcc3b5aa765d61d8327deb882cf99", "no password": "!",
		"argon2": "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
	} {
		emails[name] = servicetest.Email()
		localUser(t, s.Stack, emails[name], servicetest.Password, map[string]any{"password_hash": hash})
	}
	hybrid := s.Person(t)
	emails["hybrid"] = *hybrid.Email
	execute(t, s.Stack, "UPDATE auth.users SET auth_provider = 'hybrid', password_hash = $2 WHERE id = $1", hybrid.User.ID, "$2b$31$"+zeros)
	for name, email := range emails {
		for _, path := range []string{"/v1/auth/login", "/api/v1/auth/login"} {
			before := passwordRounds(t, s)
			ask(t, s, http.MethodPost, path, registerBody(t, email, "WrongPassword1")).
				expect(t, name, http.StatusUnauthorized, "invalid_credentials")
			if rounds := passwordRounds(t, s) - before; rounds != 1<<8 {
				t.Errorf("A3: %s, %s: a refusal took %g rounds, expected %d, the most costly hash's", path, name, rounds, 1<<8)
			}
		}
	}
	for _, name := range []string{"cost 4", "cost 6", "cost 8"} {
		ask(t, s, http.MethodPost, "/v1/auth/login", registerBody(t, emails[name], servicetest.Password)).expect(t, name, http.StatusOK, "")
	}
	// Firebase's proof replaces an uncheckable hash.
	ask(t, s, http.MethodPost, "/v1/auth/login", registerBody(t, emails["hybrid"], servicetest.Password)).expect(t, "hybrid", http.StatusOK, "")
	var hash string
	if err := s.DB.QueryRow(t.Context(), "SELECT password_hash FROM auth.users WHERE id = $1", hybrid.User.ID).Scan(&hash); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$2a$04$") {
		t.Errorf("the hash of cost 31 is now %s", hash)
	}
	if !strings.Contains(s.Log.String(), "a password hash cannot be checked") {
		t.Error("the log does not name the rows with hashes that cannot be checked")
	}
}
