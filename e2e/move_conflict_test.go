package e2e

import (
	"net/http"
	"testing"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

// A2: LEGACY_TOKENS=off rules out the legacy pair. An unverified account makes room; a verified one is a conflict.
func TestMoveConflict_WhoHoldsTheAddress_M6(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, map[string]string{"LEGACY_TOKENS": "off", "LEGACY_EMAIL_VERIFIED": "unverified"})
	for name, c := range map[string]struct {
		verified  bool
		disabled  bool
		providers []string
		status    int
		code      string
	}{
		"unverified, a password":             {providers: []string{"password"}, status: http.StatusOK},
		"unverified, a password and another": {providers: []string{"password", "facebook.com"}, status: http.StatusOK},
		"unverified, two others":             {providers: []string{"facebook.com", "google.com"}, status: http.StatusOK},
		"unverified, disabled":               {providers: []string{"password"}, disabled: true, status: http.StatusConflict, code: "identity_conflict"},
		"verified, a password":               {verified: true, providers: []string{"password"}, status: http.StatusConflict, code: "identity_conflict"},
		"verified, Google":                   {verified: true, providers: []string{"google.com"}, status: http.StatusConflict, code: "identity_conflict"},
	} {
		t.Run(name, func(t *testing.T) {
			email := servicetest.Email()
			id := localUser(t, s.Stack, email, servicetest.Password)
			there := identity.User{Email: email, EmailVerified: c.verified, Password: "AnotherPass123"}
			if c.providers[0] != "password" {
				there.Password = ""
			}
			for _, provider := range c.providers {
				s.Token(t, there, provider)
			}
			before, _ := s.Identity.UserByEmail(email)
			s.Identity.SetDisabled(before.UID, c.disabled)
			for range 2 {
				ask(t, s, http.MethodPost, "/v1/auth/login", registerBody(t, email, servicetest.Password)).expect(t, "the sign-in", c.status, c.code)
			}
			after, kept := s.Identity.User(before.UID)
			switch {
			case !kept || len(after.Providers) != len(before.Providers):
				t.Errorf("M1: the account was %+v and is %+v", before, after)
			case c.status == http.StatusOK && (!after.Disabled || after.Email == email):
				t.Errorf("M6: the stranger keeps the address: %+v", after)
			case c.status != http.StatusOK && after.Email != email:
				t.Errorf("M6: the account was displaced: %+v", after)
			}
			if moved := count(t, s.Stack, "auth.users WHERE id = $1 AND auth_provider = 'hybrid'", id) == 1; moved != (c.status == http.StatusOK) {
				t.Errorf("M6: moved is %t", moved)
			}
		})
	}
}
