package e2e

import (
	"testing"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/servicetest"
)

func TestLegacyStatuses_Refusals(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	person := s.Person(t)
	ask(t, s, "POST", "/auth/register", registerBody(t, servicetest.Email(), "short")).expect(t, "a short password", 422, "weak_password")

	mustExec(t, s.Stack, "UPDATE auth.users SET is_active = false WHERE id = $1", person.User.ID)
	ask(t, s, "POST", "/auth/register", registerBody(t, *person.Email, servicetest.Password)).
		expect(t, "A3: the registration of a deactivated account again", 403, "account_deactivated")

	if _, err := s.Identity.PutUser(identity.User{UID: "short", Email: "short.uid@example.com", Password: servicetest.Password}); err != nil {
		t.Fatal(err)
	}
	ask(t, s, "POST", "/auth/login", registerBody(t, "short.uid@example.com", servicetest.Password)).
		expect(t, "F6: a uid that the schema refuses", 422, "unsupported_identity")

	held := servicetest.Email()
	legacyRow(t, s.Stack, held, map[string]any{"firebase_uid": newUID(), "auth_provider": "firebase", "password_hash": nil})
	putUser(t, s.Stack, identity.User{Email: held, Password: servicetest.Password})
	ask(t, s, "POST", "/auth/login", registerBody(t, held, servicetest.Password)).expect(t, "F7: an address of two accounts", 409, "identity_conflict")

	blocked := s.Person(t)
	fault(t, s, identity.Fault{Match: "accounts:signInWithPassword", Kind: "BLOCKING_FUNCTION_ERROR_RESPONSE"})
	ask(t, s, "POST", "/auth/login", registerBody(t, *blocked.Email, servicetest.Password)).expect(t, "A11: login", 403, "sign_in_blocked")
	ask(t, s, "POST", "/auth/register", registerBody(t, servicetest.Email(), servicetest.Password)).expect(t, "A11: register", 403, "sign_in_blocked")
}

func TestLegacyStatuses_429_A4(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/auth/register", "/auth/login", "/auth/refresh"} {
		s := limited(t)
		refusal, allowed := untilLimited(t, 5000, func() reply { return ask(t, s, "POST", path, `{}`, "X-Forwarded-For", "203.0.113.9") })
		expectLimited(t, "A4: one too many at "+path, refusal)
		if allowed == 0 {
			t.Errorf("A4: not one try at %s was let through", path)
		}
	}
}

func TestLegacyStatuses_500And503(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	wire, throughWire := netfault.URL(t, stack.DatabaseURL)
	s := stack.Start(t, map[string]string{"DATABASE_URL": throughWire})
	email := servicetest.Email()
	localUser(t, stack, email, servicetest.Password)
	pair := legacyLogin(t, s, email, servicetest.Password)
	expect := func(status int, code string) {
		t.Helper()
		for path, body := range map[string]string{
			"/auth/register": registerBody(t, servicetest.Email(), servicetest.Password),
			"/auth/login":    registerBody(t, email, servicetest.Password),
			"/auth/refresh":  refreshBody(t, pair.RefreshToken),
		} {
			ask(t, s, "POST", path, body).expect(t, path, status, code)
		}
	}
	wire.Cut()
	expect(503, "dependency_unavailable")
	wire.Restore()
	mustExec(t, stack, "ALTER TABLE auth.users RENAME TO gone")
	expect(500, "internal")
	expectNoSecrets(t, s, pair.AccessToken, pair.RefreshToken, servicetest.Password, email)
}
