package e2e

import (
	"net/http"
	"testing"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

// A member in other capitals is refused, since other readers of the body would miss it.
func TestAttack_MembersInOtherCapitalsAreNotRead(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email, victim := servicetest.Email(), servicetest.Email()
	localUser(t, s.Stack, email, servicetest.Password)
	localUser(t, s.Stack, victim, servicetest.Password)
	pair := legacyLogin(t, s, email, servicetest.Password)
	for what, probe := range map[string]struct{ path, body string }{
		"login as one whom the gateway does not see": {"/auth/login", `{"email":"` + email + `","Email":"` + victim + `","password":"` + servicetest.Password + `"}`},
		"a userId that is not compared":              {"/auth/verify-token", `{"token":"` + pair.AccessToken + `","userId":"` + newUID() + `","userid":"` + payloadOf(t, pair.AccessToken)["id"].(string) + `"}`},
		"a username past the contract":               {"/api/v1/auth/register", `{"email":"` + servicetest.Email() + `","password":"` + servicetest.Password + `","USERNAME":"x"}`},
	} {
		ask(t, s, http.MethodPost, probe.path, probe.body).expect(t, what, 400, "invalid_request")
	}
	ask(t, s, http.MethodPost, "/auth/login", `{"email":"`+email+`","password":"`+servicetest.Password+`","Remember":true,"nested":{"Email":1}}`).
		expect(t, "members that mean nothing", 200, "")
}

func TestAttack_ADeletedAccountDoesNotComeBackByItsMove_F10_M2(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, map[string]string{"LEGACY_EMAIL_VERIFIED": "trust"})
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password)
	pair := legacyLogin(t, s, email, servicetest.Password)
	// The instance was killed between import and commit.
	if _, err := s.Identity.PutUser(identity.User{UID: id.String(), Email: email, EmailVerified: true, Password: servicetest.Password}); err != nil {
		t.Fatal(err)
	}
	execute(t, s.Stack, "UPDATE auth.users SET federation_status = 'syncing' WHERE id = $1", id)
	execute(t, s.Stack, "INSERT INTO auth.move_claims (user_id, claimed_by, claimed_at) VALUES ($1, 'a killed instance', now())", id)
	atFirebase := s.Token(t, identity.User{UID: id.String(), Email: email, EmailVerified: true}, "password")

	ask(t, s, http.MethodDelete, "/v1/auth/me", "", "Authorization", "Bearer "+pair.AccessToken).expect(t, "delete", 200, "")
	if _, there := s.Identity.User(id.String()); there {
		t.Error("the account at Firebase outlives its row")
	}
	expectRefusal(t, s, "F10: a token of the account that was never finished", atFirebase, 401, "token_revoked")
	ask(t, s, http.MethodPost, "/v1/auth/login", registerBody(t, email, servicetest.Password)).expect(t, "login afterwards", 401, "invalid_credentials")
}

func TestAttack_ADeactivatedRowIsNotLinked_F3_F9(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password, map[string]any{"is_active": false})
	token := s.Token(t, identity.User{Email: email}, "password")
	ask(t, s, http.MethodPost, "/v1/auth/link", jsonOf(t, map[string]string{"password": servicetest.Password}), "Authorization", "Bearer "+token).
		expect(t, "F9: link", 403, "account_deactivated")
	if uid := rowOf(t, s.Stack, "id = $1", id).FirebaseUID; uid != nil {
		t.Errorf("F9: a deactivated row was linked to %s", *uid)
	}
}

func TestAttack_RegisterWithLegacyTokensOff_R4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, map[string]string{"LEGACY_TOKENS": "off", "LEGACY_EMAIL_VERIFIED": "trust"})
	execute(t, s.Stack, "UPDATE auth.rollout SET new_users = 'local'")
	session := sessionOf(t, ask(t, s, http.MethodPost, "/v1/auth/register", registerBody(t, servicetest.Email(), servicetest.Password)), 201)
	if session.Kind != "firebase" || session.User.AuthProvider != "firebase" {
		t.Errorf("registered at %s with tokens of %s", session.User.AuthProvider, session.Kind)
	}
}
