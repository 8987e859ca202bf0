package e2e

import (
	"net/http"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

// Firebase's clock is ahead, as far as T2 permits.
func TestRevocation_CoversTheTokenThatAsks_T4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	for name, act := range map[string]struct{ method, path, body string }{
		"logout":          {http.MethodPost, "/v1/auth/logout", ""},
		"legacy logout":   {http.MethodPost, "/auth/logout", ""},
		"password change": {http.MethodPost, "/v1/auth/password/change", `{"newPassword":"AnotherPassword456"}`},
		"delete":          {http.MethodDelete, "/v1/auth/me", ""},
	} {
		for _, ahead := range []time.Duration{2 * time.Second, 50 * time.Second} {
			t.Run(name+" "+ahead.String(), func(t *testing.T) {
				t.Parallel()
				account := identity.User{UID: newUID(), Email: servicetest.Email(), EmailVerified: true, Password: servicetest.Password}
				putUser(t, s.Stack, account)
				at := time.Now().Add(ahead).Unix()
				token := mint(t, s.Stack, claims(account.UID, account.Email, map[string]any{"auth_time": at, "iat": at}))
				expectUser(t, s, "before", token)
				if answer := ask(t, s, act.method, act.path, act.body, "Authorization", "Bearer "+token); answer.status != http.StatusOK && answer.status != http.StatusServiceUnavailable {
					t.Fatalf("%s answered %d\n%s", name, answer.status, answer.body)
				}
				if status, code, _ := s.Verify(t, token); status != http.StatusUnauthorized || code != "token_revoked" {
					t.Errorf("T4: after %s, by a token %s ahead: verify-token answered %d %q, expected 401 token_revoked", name, ahead, status, code)
				}
			})
		}
	}
}
