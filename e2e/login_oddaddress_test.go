package e2e

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/internal/testkit/servicetest"
)

func TestOddAddresses_AreFoundByOperators_F2(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator := newAdmin(t, s.Stack)
	all := map[uuid.UUID]bool{}
	for stored, typed := range oddAddresses() {
		id := localUser(t, s.Stack, stored, servicetest.Password)
		all[id] = true
		local, host := stored[:strings.LastIndex(stored, "@")+1], stored[strings.LastIndex(stored, "@"):]
		for what, q := range map[string]string{"whole": stored, "as typed": typed, "its beginning": local + host[1:3], "beginning in capitals": asciiUpper(local)} {
			if found, _ := operator.finds(t, s, url.Values{"q": {q}, "limit": {"100"}}); !slices.Contains(found, id) {
				t.Errorf("%q (%s of %q) found %v, expected %s", q, what, stored, found, id)
			}
		}
	}
	for _, q := range []string{"john..doe", "jos\u00e9", `"john doe"`, "jos"} {
		if found, _ := operator.finds(t, s, url.Values{"q": {q}}); len(found) != 0 {
			t.Errorf("%q has no @ and found %v, expected usernames alone", q, found)
		}
	}
	found, pages := operator.finds(t, s, url.Values{"limit": {"2"}, "provider": {"local"}})
	if pages < 2 || len(found) != len(all) || slices.ContainsFunc(found, func(id uuid.UUID) bool { return !all[id] }) {
		t.Errorf("%d pages list %d users, expected the %d with odd addresses", pages, len(found), len(all))
	}
	shared := strings.Repeat("o", 20)
	want := map[uuid.UUID]bool{}
	for _, end := range []string{"", ".", "..", " x", "\u00e9", "\U0001f600", "\\", "%", "_", "'"} {
		want[localUser(t, s.Stack, shared+"@"+end+"example.com", servicetest.Password)] = true
	}
	found, pages = operator.finds(t, s, url.Values{"q": {shared + "@"}, "limit": {"3"}})
	slices.SortFunc(found, func(a, b uuid.UUID) int { return strings.Compare(a.String(), b.String()) })
	if pages != 4 || len(slices.Compact(found)) != len(want) {
		t.Errorf("%d pages of 3 list %d of %d addresses with one beginning", pages, len(found), len(want))
	}
}

func asciiUpper(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - ('a' - 'A')
		}
		return r
	}, text)
}

// oddAddresses maps stored addresses to typed ones. No new account may have them.
func oddAddresses() map[string]string {
	host := "@" + strings.ToLower(servicetest.Email())[:8] + ".example.com"
	long := strings.Repeat("l", 200)
	return map[string]string{
		"john..doe" + host: " John..Doe" + strings.ToUpper(host), "john." + host: "john." + host, ".john" + host: ".JOHN" + host,
		"jos\u00e9" + host: "Jos\u00e9" + host, "J\u00c4NE" + host: "j\u00c4ne" + host, `"john doe"` + host: `"John Doe"` + host,
		"dot" + host + ".": "Dot" + host + ".", "a@b" + host: "A@b" + host, long + host: strings.ToUpper(long) + host, "j(x)" + host: "J(x)" + host,
	}
}

// A2: such a row signs in on both surfaces. It never moves, because Firebase refuses the address.
func TestOddAddresses_SignIn_F2(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	newAdmin(t, s.Stack).rollOut(t, s, 100)
	for stored, typed := range oddAddresses() {
		id := localUser(t, s.Stack, stored, servicetest.Password)
		for _, path := range []string{"/v1/auth/login", "/auth/login", "/api/v1/auth/login"} {
			ask(t, s, http.MethodPost, path, registerBody(t, typed, servicetest.Password)).expect(t, path+" "+typed, http.StatusOK, "")
			ask(t, s, http.MethodPost, path, registerBody(t, typed, "WrongPassword1")).
				expect(t, path+" "+typed+", wrong password", http.StatusUnauthorized, "invalid_credentials")
		}
		pair := legacyLogin(t, s, typed, servicetest.Password)
		ask(t, s, http.MethodPost, "/v1/auth/refresh", `{"refreshToken":"`+pair.RefreshToken+`"}`).expect(t, "refresh "+typed, http.StatusOK, "")
		ask(t, s, http.MethodPost, "/v1/auth/password/forgot", jsonOf(t, map[string]string{"email": typed})).expect(t, "forgot "+typed, http.StatusAccepted, "")
		refused := ask(t, s, http.MethodPost, "/v1/auth/register", registerBody(t, strings.Replace(stored, "@", "2@", 1)+".", servicetest.Password))
		refused.expect(t, "register "+stored, http.StatusBadRequest, "invalid_request")
		var provider, failure string
		err := s.DB.QueryRow(t.Context(), `SELECT users.auth_provider, coalesce(claims.failure, '')
			FROM auth.users AS users LEFT JOIN auth.move_claims AS claims ON claims.user_id = users.id WHERE users.id = $1`, id).Scan(&provider, &failure)
		if err != nil || provider != "local" && stored[0] != 'l' || failure != "invalid_email" && provider == "local" {
			t.Errorf("%q is %s with the failure %q (%v), expected local with invalid_email", stored, provider, failure, err)
		}
	}
	for _, unknown := range []string{"nobody..at.all@example.com", "n\u00f6body@example.com"} {
		ask(t, s, http.MethodPost, "/v1/auth/login", registerBody(t, unknown, "WrongPassword1")).
			expect(t, unknown, http.StatusUnauthorized, "invalid_credentials")
		ask(t, s, http.MethodPost, "/v1/auth/password/forgot", jsonOf(t, map[string]string{"email": unknown})).expect(t, "forgot "+unknown, http.StatusAccepted, "")
	}
}
