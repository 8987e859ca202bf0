package e2e

import (
	"net/http"
	"testing"
	"time"

	"auth-v2-service/internal/testkit/servicetest"
)

// A10, T8: other services can write legacy tokens, so a token's auth_time proves nothing.
func TestAttack_ALegacyTokenDoesNotProveARecentSignIn_A10_T8(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password)
	now := time.Now().Unix()

	old := legacyLogin(t, s, email, servicetest.Password)
	sid := payloadOf(t, old.AccessToken)["sid"]
	execute(t, s.Stack, "UPDATE auth.legacy_sessions SET began_at = began_at - interval '1 hour' WHERE id = $1", sid)
	ended := legacyLogin(t, s, email, servicetest.Password)
	endedID := payloadOf(t, ended.AccessToken)["sid"]
	execute(t, s.Stack, "UPDATE auth.legacy_sessions SET ended_at = now() - interval '26 hours' WHERE id = $1", endedID)
	foreign := hs256(t, refreshSecret, map[string]any{"id": id.String(), "iat": now, "exp": now + 86400})
	adopted := pairOf(t, ask(t, s, http.MethodPost, "/auth/refresh", refreshBody(t, foreign)), 200)
	others := legacyLogin(t, s, func() string {
		stranger := servicetest.Email()
		localUser(t, s.Stack, stranger, servicetest.Password)
		return stranger
	}(), servicetest.Password)

	for what, token := range map[string]string{
		"an old token, just refreshed":              hs256(t, accessSecret, oldAccess(id, email)),
		"a written auth_time":                       hs256(t, accessSecret, oldAccess(id, email, map[string]any{"auth_time": now})),
		"a session of an hour ago, auth_time now":   hs256(t, accessSecret, oldAccess(id, email, map[string]any{"auth_time": now, "sid": sid})),
		"a session that is over":                    hs256(t, accessSecret, oldAccess(id, email, map[string]any{"auth_time": now, "sid": endedID})),
		"a session of somebody else":                hs256(t, accessSecret, oldAccess(id, email, map[string]any{"sid": payloadOf(t, others.AccessToken)["sid"]})),
		"a session that nobody began":               hs256(t, accessSecret, oldAccess(id, email, map[string]any{"sid": "7b1f7b6e-3f0a-4f5e-9d55-0f3a4a3c2b1d"})),
		"a session taken over from the old service": adopted.AccessToken,
	} {
		bearer := []string{"Authorization", "Bearer " + token}
		expectUser(t, s, what, token)
		ask(t, s, http.MethodPost, "/v1/auth/password/change", `{"newPassword":"AttackersPassword1"}`, bearer...).
			expect(t, "A10: change with "+what, 401, "reauth_required")
		ask(t, s, http.MethodDelete, "/v1/auth/me", "", bearer...).expect(t, "A10: delete with "+what, 401, "reauth_required")
	}
	legacyLogin(t, s, email, servicetest.Password)

	fresh := legacyLogin(t, s, email, servicetest.Password)
	ask(t, s, http.MethodPost, "/v1/auth/password/change", `{"newPassword":"OwnersPassword1"}`, "Authorization", "Bearer "+fresh.AccessToken).
		expect(t, "A10: change with a session of this moment", 200, "")
	proved := hs256(t, accessSecret, oldAccess(id, email, map[string]any{"iat": time.Now().Unix() + 1}))
	ask(t, s, http.MethodDelete, "/v1/auth/me", `{"currentPassword":"OwnersPassword1"}`, "Authorization", "Bearer "+proved).
		expect(t, "A10: delete with the password", 200, "")
}
