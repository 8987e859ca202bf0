package e2e

import (
	"net/http"
	"strings"
	"testing"

	"auth-v2-service/internal/testkit/servicetest"
)

// The old service used Express 4: paths ignore case and one trailing slash.
func TestLegacySurface_PathsAsExpressFoundThem(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, map[string]string{"RATE_LIMIT": "off"})
	email := servicetest.Email()
	localUser(t, s.Stack, email, servicetest.Password)
	login := registerBody(t, email, servicetest.Password)
	for _, prefix := range []string{"/auth", "/api/v1/auth"} {
		for _, spelled := range []func(string) string{
			func(path string) string { return path + "/" },
			strings.ToUpper,
			func(path string) string { return strings.ToUpper(path) + "/" },
			func(path string) string { return strings.ReplaceAll(strings.ReplaceAll(path, "a", "A"), "v", "V") },
			func(path string) string { return path + "/?from=an-old-client" },
		} {
			path := func(name string) string { return spelled(prefix + "/" + name) }
			fresh := registerBody(t, servicetest.Email(), servicetest.Password)
			pairOf(t, ask(t, s, "POST", path("register"), fresh), http.StatusCreated)
			pair := pairOf(t, ask(t, s, "POST", path("login"), login), http.StatusOK)
			pair = pairOf(t, ask(t, s, "POST", path("refresh"), jsonOf(t, map[string]string{"refreshToken": pair.RefreshToken})), http.StatusOK)
			bearer := "Bearer " + pair.AccessToken
			ask(t, s, "POST", path("verify-token"), jsonOf(t, map[string]string{"token": pair.AccessToken})).expect(t, path("verify-token"), 200, "")
			ask(t, s, "GET", path("me"), "", "Authorization", bearer).expect(t, path("me"), 200, "")
			ask(t, s, "HEAD", path("me"), "", "Authorization", bearer).expect(t, "HEAD "+path("me"), 200, "")
			ask(t, s, "POST", path("logout"), "", "Authorization", bearer).expect(t, path("logout"), 200, "")
			if deprecated := ask(t, s, "GET", path("me"), "").header.Get("Deprecation"); deprecated == "" {
				t.Errorf("%s is not marked as deprecated", path("me"))
			}
			ask(t, s, "GET", path("login"), "").expect(t, "GET "+path("login"), 405, "method_not_allowed")
		}
	}
	expectCounted(t, s, `auth_legacy_requests_total{http_route="/api/v1/auth/login",user_agent_name="Go-http-client"}`)
	for _, path := range []string{
		"/auth/login//", "//auth/login", "/auth//login", "/auth/./login", "/auth/lo%67in", "/auth%2flogin", "/auth/login%2f", "/auth/login/x", "/auth/",
		"/api/auth/login", "/api/V2/auth/login", "/auth/verify-to\u212aen", "/auth/verify_token", "/v1/auth/login/", "/V1/auth/login", "/v1/auth/Login",
		"/auth/login;/", "/auth/login%20",
	} {
		askRaw(t, s, http.MethodPost, path, login).expect(t, "another path than Express' "+path, 404, "not_found")
	}
	off := s.Stack.Start(t, map[string]string{"LEGACY_TOKENS": "off"})
	for _, path := range []string{"/auth/login/", "/AUTH/LOGIN", "/API/v1/auth/login/"} {
		askRaw(t, off, http.MethodPost, path, login).expect(t, "switched off: "+path, 404, "not_found")
	}
}

// JavaScript clients send null for an absent optional field. /v1 stays strict.
func TestLegacySurface_NullIsLeftOut(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, map[string]string{"RATE_LIMIT": "off"})
	for _, prefix := range []string{"/auth", "/api/v1/auth"} {
		body := func(email, rest string) string {
			return `{"email":"` + email + `","password":"` + servicetest.Password + `",` + rest + `}`
		}
		email := servicetest.Email()
		pair := pairOf(t, ask(t, s, "POST", prefix+"/register", body(email, `"username":null,"unknown":null`)), http.StatusCreated)
		without := pairOf(t, ask(t, s, "POST", prefix+"/register", registerBody(t, servicetest.Email(), servicetest.Password)), http.StatusCreated)
		if got, want := pair.User["username"], without.User["username"]; got != want {
			t.Errorf("%s: username null registers as %v, none as %v", prefix, got, want)
		}
		pair = pairOf(t, ask(t, s, "POST", prefix+"/login", body(email, `"remember":null,"deviceId":null`)), http.StatusOK)
		pair = pairOf(t, ask(t, s, "POST", prefix+"/refresh", `{"refreshToken":"`+pair.RefreshToken+`","device":null}`), http.StatusOK)
		verify := func(userID string) string { return `{"token":"` + pair.AccessToken + `","userId":` + userID + `}` }
		ask(t, s, "POST", prefix+"/verify-token", verify("null")).expect(t, "verify-token for userId null", 200, "")
		ask(t, s, "POST", prefix+"/verify-token", verify(`"`+newUID()+`"`)).expect(t, "verify-token for another user", 401, "token_invalid")
		ask(t, s, "POST", prefix+"/logout", `{"refreshToken":null,"all":null}`, "Authorization", "Bearer "+pair.AccessToken).expect(t, "logout", 200, "")
		for what, refused := range map[string]reply{
			"register without a password": ask(t, s, "POST", prefix+"/register", `{"email":"`+servicetest.Email()+`","password":null}`),
			"login without an e-mail":     ask(t, s, "POST", prefix+"/login", `{"email":null,"password":"x"}`),
			"refresh without a token":     ask(t, s, "POST", prefix+"/refresh", `{"refreshToken":null}`),
			"verify-token without one":    ask(t, s, "POST", prefix+"/verify-token", `{"token":null,"userId":null}`),
		} {
			refused.expect(t, prefix+": "+what, 400, "invalid_request")
		}
	}
}
