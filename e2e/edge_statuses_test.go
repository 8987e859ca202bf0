package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/servicetest"
)

// expectSecured asks verify-token too, each time with a fresh token.
func expectSecured(t *testing.T, s *servicetest.Service, token func() string, status, atProxy int, code string) {
	t.Helper()
	for _, o := range secured {
		want, wantCode := status, code
		switch o.operation {
		case "forward":
			want = atProxy
		case "headForward":
			want, wantCode = atProxy, ""
		}
		ask(t, s, o.method, o.path, o.body, "Authorization", "Bearer "+token()).expect(t, o.operation, want, wantCode)
	}
	for path, body := range map[string]string{
		"/auth/verify-token": jsonOf(t, map[string]string{"token": token()}), "/v1/auth/link": `{"password":"x"}`,
	} {
		if path == "/v1/auth/link" && code == "account_link_required" {
			continue // link finishes this state
		}
		ask(t, s, "POST", path, body, "Authorization", "Bearer "+token()).expect(t, path, status, code)
	}
	if got, gotCode, _ := s.Verify(t, token()); got != status || gotCode != code {
		t.Errorf("verifyToken answered %d %q, expected %d %q", got, gotCode, status, code)
	}
}

func always(token string) func() string { return func() string { return token } }

func TestStatus_200(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	session := s.Person(t)
	ask(t, s, "POST", "/v1/auth/login", registerBody(t, *session.Email, servicetest.Password)).expect(t, "login", 200, "")
	ask(t, s, "POST", "/v1/auth/refresh", jsonOf(t, map[string]string{"refreshToken": session.RefreshToken})).expect(t, "refresh", 200, "")
	for _, operation := range []string{"getMe", "updateMe", "forward", "headForward"} {
		for _, o := range secured {
			if o.operation == operation {
				ask(t, s, o.method, o.path, o.body, "Authorization", "Bearer "+session.IDToken).expect(t, operation, 200, "")
			}
		}
	}
	s.Verify(t, session.IDToken)
	for _, path := range []string{"/health", "/health/live", "/health/ready", "/openapi.yaml", "/docs"} {
		ask(t, s, "GET", path, "").expect(t, path, 200, "")
	}
	other := s.Person(t)
	ask(t, s, "DELETE", "/v1/auth/me", "", "Authorization", "Bearer "+other.IDToken).expect(t, "deleteMe", 200, "")
	ask(t, s, "POST", "/v1/auth/logout", "", "Authorization", "Bearer "+session.IDToken).expect(t, "logout", 200, "")
}

// Two credentials are ambiguous. A proxy gets 401, since nginx turns 400 into 500.
func TestStatus_400And401Credentials(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	token := s.Person(t).IDToken
	for _, o := range secured {
		status, code, missing := 400, "invalid_request", "token_missing"
		switch o.operation {
		case "forward":
			status = 401
		case "headForward":
			status, code, missing = 401, "", ""
		}
		two := ask(t, s, o.method, o.path, o.body, "Authorization", "Bearer "+token, "Authorization", "Bearer "+token)
		two.expect(t, o.operation+" with two credentials", status, code)
		none := ask(t, s, o.method, o.path, o.body)
		none.expect(t, o.operation+" without a credential", 401, missing)
		if none.header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: WWW-Authenticate is %q, expected Bearer (RFC 6750)", o.operation, none.header.Get("WWW-Authenticate"))
		}
		basic := ask(t, s, o.method, o.path, o.body, "Authorization", "Basic amFuZTpqYW5l")
		basic.expect(t, o.operation+" with Basic", 401, missing)
	}
	ask(t, s, "POST", "/v1/auth/login", registerBody(t, "nobody@example.com", "WrongPassword1")).expect(t, "login", 401, "invalid_credentials")
	ask(t, s, "POST", "/v1/auth/refresh", `{"refreshToken":"no such token"}`).expect(t, "refresh", 401, "token_invalid")
	ask(t, s, "POST", "/v1/auth/verify-token", `{"token":"no.such.token"}`).expect(t, "verifyToken", 401, "token_invalid")
}

// F9, A3: the token or password must be proved first.
func TestStatus_403Deactivated_F9(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	session := s.Person(t)
	mustExec(t, s.Stack, "UPDATE auth.users SET is_active = false WHERE id = $1", session.User.ID)
	fresh := func() string { return s.Token(t, identityUser(*session.Email), "password") }
	expectSecured(t, s, fresh, 403, 403, "account_deactivated")
	ask(t, s, "POST", "/v1/auth/login", registerBody(t, *session.Email, servicetest.Password)).expect(t, "login", 403, "account_deactivated")
	ask(t, s, "POST", "/v1/auth/login", registerBody(t, *session.Email, "WrongPassword1")).expect(t, "login with a wrong password", 401, "invalid_credentials")
	ask(t, s, "POST", "/v1/auth/refresh", jsonOf(t, map[string]string{"refreshToken": session.RefreshToken})).expect(t, "refresh", 403, "account_deactivated")
}

func TestStatus_403SignInBlocked_A11(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	session := s.Person(t)
	fault(t, s, identity.Fault{Match: "accounts:signInWithPassword", Kind: "BLOCKING_FUNCTION_ERROR_RESPONSE"})
	ask(t, s, "POST", "/v1/auth/login", registerBody(t, *session.Email, servicetest.Password)).expect(t, "login", 403, "sign_in_blocked")
	ask(t, s, "POST", "/v1/auth/register", registerBody(t, servicetest.Email(), servicetest.Password)).expect(t, "register", 403, "sign_in_blocked")
}

func TestStatus_409LinkRequired_F3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := localPerson(t, s.Stack, email)
	stranger := identity.User{Email: email, Password: servicetest.Password}
	session, err := s.Identity.SignIn(t.Context(), stranger, "password")
	if err != nil {
		t.Fatal(err)
	}
	expectSecured(t, s, always(session.IDToken), 409, 403, "account_link_required")
	ask(t, s, "POST", "/v1/auth/login", registerBody(t, email, servicetest.Password)).
		expect(t, "login, where the password of the local row is asked for", 401, "invalid_credentials")
	odd := servicetest.Email() // auth_provider says firebase, but no account is linked
	legacyRow(t, s.Stack, odd, map[string]any{"auth_provider": "firebase", "password_hash": nil})
	putUser(t, s.Stack, identity.User{Email: odd, Password: servicetest.Password})
	for _, path := range []string{"/v1/auth/login", "/auth/login"} {
		ask(t, s, "POST", path, registerBody(t, odd, servicetest.Password)).expect(t, path, 409, "account_link_required")
	}
	ask(t, s, "POST", "/v1/auth/refresh", jsonOf(t, map[string]string{"refreshToken": session.RefreshToken})).expect(t, "refresh", 409, "account_link_required")
	ask(t, s, "POST", "/v1/auth/register", registerBody(t, email, servicetest.Password)).expect(t, "register", 409, "email_taken")
	if countRows(t, s.Stack, "id = $1 AND firebase_uid IS NULL AND password_hash = 'a hash'", id) != 1 {
		t.Error("F3: the local row was changed, expected it untouched")
	}
}

func TestStatus_422UnsupportedIdentity_F5_F6(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	anonymous, err := s.Identity.SignIn(t.Context(), identity.User{}, "anonymous")
	if err != nil {
		t.Fatal(err)
	}
	expectSecured(t, s, always(anonymous.IDToken), 422, 403, "unsupported_identity")
	ask(t, s, "POST", "/v1/auth/refresh", jsonOf(t, map[string]string{"refreshToken": anonymous.RefreshToken})).expect(t, "refresh", 422, "unsupported_identity")
	email := servicetest.Email()
	if _, err := s.Identity.PutUser(identity.User{UID: "short", Email: email, Password: servicetest.Password}); err != nil {
		t.Fatal(err)
	}
	ask(t, s, "POST", "/v1/auth/login", registerBody(t, email, servicetest.Password)).expect(t, "login", 422, "unsupported_identity")
	if rows := countRows(t, s.Stack, "true"); rows != 0 {
		t.Errorf("%d rows were made, expected none", rows)
	}
}

func TestStatus_413And415(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	token := s.Person(t).IDToken
	for _, o := range slices.Concat(taking, bodyless) {
		huge := strings.Replace(o.body, `{"`, `{"filler":"`+strings.Repeat("x", 64<<10)+`","`, 1)
		ask(t, s, o.method, o.path, huge, "Authorization", "Bearer "+token).expect(t, o.operation, 413, "payload_too_large")
		ask(t, s, o.method, o.path, o.body, "Authorization", "Bearer "+token, "Content-Type", "text/plain").
			expect(t, o.operation, 415, "unsupported_media_type")
	}
}

func TestStatus_500TellsNothing(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	session := s.Person(t)
	mustExec(t, s.Stack, "ALTER TABLE auth.users RENAME TO gone")
	fresh := func() string { return s.Token(t, identityUser(servicetest.Email()), "google.com") }
	expectSecured(t, s, fresh, 500, 500, "internal")
	for _, answer := range []reply{
		ask(t, s, "POST", "/v1/auth/register", registerBody(t, servicetest.Email(), servicetest.Password)),
		ask(t, s, "POST", "/v1/auth/login", registerBody(t, *session.Email, servicetest.Password)),
		ask(t, s, "POST", "/v1/auth/refresh", jsonOf(t, map[string]string{"refreshToken": session.RefreshToken})),
		ask(t, s, "GET", "/v1/auth/me", "", "Authorization", "Bearer "+session.IDToken),
	} {
		answer.expect(t, "an operation without its table", 500, "internal")
		if text := string(answer.body); strings.Contains(text, "auth.users") || strings.Contains(text, "SQLSTATE") {
			t.Errorf("the client was told a cause: %s", text)
		}
	}
	if !strings.Contains(s.Log.String(), "SQLSTATE 42P01") {
		t.Error("the cause of a 500 is not in the log, expected it there")
	}
	expectNoSecrets(t, s, session.IDToken, session.RefreshToken, servicetest.Password, *session.Email)
}

// An outage is 503 with Retry-After, never 401.
func TestStatus_503DatabaseAway(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	wire, throughWire := netfault.URL(t, stack.DatabaseURL)
	s := stack.Start(t, map[string]string{"DATABASE_URL": throughWire})
	session := s.Person(t)
	wire.Cut()
	fresh := func() string { return s.Token(t, identityUser(servicetest.Email()), "google.com") }
	expectSecured(t, s, fresh, 503, 503, "dependency_unavailable")
	for what, answer := range map[string]reply{
		"register": ask(t, s, "POST", "/v1/auth/register", registerBody(t, servicetest.Email(), servicetest.Password)),
		"login":    ask(t, s, "POST", "/v1/auth/login", registerBody(t, *session.Email, servicetest.Password)),
		"refresh":  ask(t, s, "POST", "/v1/auth/refresh", jsonOf(t, map[string]string{"refreshToken": session.RefreshToken})),
		"me":       ask(t, s, "GET", "/v1/auth/me", "", "Authorization", "Bearer "+session.IDToken),
		"ready":    ask(t, s, "GET", "/health/ready", ""),
		"health":   ask(t, s, "GET", "/health", ""),
	} {
		answer.expect(t, what, 503, "dependency_unavailable")
		if answer.header.Get("Retry-After") == "" {
			t.Errorf("%s: 503 without Retry-After", what)
		}
	}
	ask(t, s, "GET", "/health/live", "").expect(t, "live", http.StatusOK, "")
	expectNoSecrets(t, s, session.IDToken, session.RefreshToken, servicetest.Password, *session.Email)
}
