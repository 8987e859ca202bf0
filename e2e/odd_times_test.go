package e2e

import (
	"net/http"
	"testing"

	"auth-v2-service/internal/testkit/servicetest"
)

func TestOddTimes_ARowOfAnyTimeIsServed(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator := newAdmin(t, s.Stack)
	for _, at := range []string{"-infinity", "4713-01-01 BC", "0001-01-01", "10000-01-01", "294276-12-31", "infinity"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			for _, column := range []string{"tokens_valid_after", "legacy_tokens_valid_after", "last_login", "created_at", "updated_at", "last_firebase_sync", "email_proven_at"} {
				email := servicetest.Email()
				id := localUser(t, s.Stack, email, servicetest.Password)
				execute(t, s.Stack, "UPDATE auth.users SET "+column+" = '"+at+"' WHERE id = $1", id)
				what := column + " " + at
				operator.ask(t, s, http.MethodGet, userPath(id), "").expect(t, what+": the row", http.StatusOK, "")
				operator.ask(t, s, http.MethodGet, "/v1/admin/users?q="+email, "").expect(t, what+": its page", http.StatusOK, "")
				if answer := ask(t, s, http.MethodPost, "/v1/auth/login", registerBody(t, email, servicetest.Password)); answer.status != http.StatusOK && answer.status != http.StatusServiceUnavailable {
					t.Errorf("%s: a sign-in answered %d %s", what, answer.status, answer.body)
				}
				for _, act := range []string{"/revoke-tokens", "/deactivate", "/reactivate"} {
					operator.ask(t, s, http.MethodPost, userPath(id)+act, "").expect(t, what+": "+act, http.StatusOK, "")
				}
			}
		})
	}
}
