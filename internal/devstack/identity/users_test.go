package identity_test

import (
	"errors"
	"testing"

	"auth-v2-service/internal/devstack/identity"
)

func TestUsers_FromGo(t *testing.T) {
	s := serve(t, identity.Options{})
	uid, err := s.PutUser(identity.User{Email: "Jane@example.com", Password: "secret-1", Phone: "+15555550100", CustomClaims: object{"role": "x"}})
	if err != nil {
		t.Fatal(err)
	}
	in := s.signIn("jane@example.com", "secret-1").ok()
	user, found := s.User(uid)
	equal(t, "found", found, true)
	equal(t, "e-mail", user.Email, "jane@example.com")
	equal(t, "password", user.Password, "")
	equal(t, "claims", user.CustomClaims, object{"role": "x"})
	equal(t, "providers", user.Providers, []string{"password", "phone"})

	equal(t, "disabled", s.SetDisabled(uid, true), true)
	s.refresh(in.text("refreshToken")).refused("USER_DISABLED")
	if _, err := s.SignIn(t.Context(), identity.User{UID: uid}, "google.com"); err == nil {
		t.Error("a disabled user signs in")
	}
	equal(t, "enabled", s.SetDisabled(uid, false), true)
	equal(t, "moved", s.SetEmail(uid, "new@example.com", true), true)
	s.signIn("new@example.com", "secret-1").ok()
	equal(t, "deleted", s.DeleteUser(uid), true)
	equal(t, "deleted twice", s.DeleteUser(uid), false)
	equal(t, "no such user", s.SetDisabled(uid, true), false)
	s.refresh(in.text("refreshToken")).refused("USER_NOT_FOUND")
}

func TestUsers_OneHolderOfAnAddress(t *testing.T) {
	s := serve(t, identity.Options{})
	for _, u := range []identity.User{{UID: "a", Email: "a@example.com"}, {UID: "b", Email: "b@example.com", Phone: "+1555"}} {
		if _, err := s.PutUser(u); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "moved to another's address", s.SetEmail("a", "b@example.com", true), false)
	for _, u := range []identity.User{
		{UID: "a", Email: "B@example.com"},
		{UID: "a", Phone: "+1555"},
		{UID: "c", Email: "nonsense"},
		{UID: "c", Password: "12345"},
		{UID: "c", CustomClaims: object{"x": func() {}}},
	} {
		if _, err := s.PutUser(u); err == nil {
			t.Errorf("%+v is taken", u)
		}
	}
	equal(t, "users", len(s.Users()), 2)
}

func TestSession_DoesNotOutliveItsAccount(t *testing.T) {
	now := newClock()
	s := serve(t, identity.Options{Clock: now.Now})
	first, err := s.SignIn(t.Context(), identity.User{UID: "same-uid"}, "custom")
	if err != nil {
		t.Fatal(err)
	}
	s.DeleteUser("same-uid")
	now.Advance(1)
	now.Advance(1_000_000)
	if _, err := s.PutUser(identity.User{UID: "same-uid"}); err != nil {
		t.Fatal(err)
	}
	s.refresh(first.RefreshToken).refused("TOKEN_EXPIRED")
}

func TestConfig_ShowsTheHashParametersToAdmins(t *testing.T) {
	s := serve(t, identity.Options{})
	path := "/identitytoolkit.googleapis.com/v2/projects/" + project + "/config"
	config := s.do("GET", path, nil, "Bearer owner").ok()
	hash, _ := config.body["signIn"].(object)["hashConfig"].(object)
	equal(t, "algorithm", hash["algorithm"], any("SCRYPT"))
	equal(t, "without a credential", s.do("GET", path, nil, "").status, 403)
	s.do("PATCH", path, object{"emailPrivacyConfig": object{"enableImprovedEmailPrivacy": false}}, "Bearer owner").ok()
	s.signIn("jane@example.com", "secret-1").refused("EMAIL_NOT_FOUND")
	s.do("PATCH", path, object{"signIn": object{"allowDuplicateEmails": true}}, "Bearer owner").refused("OPERATION_NOT_ALLOWED")
}

func TestAnotherProject_IsNotServed(t *testing.T) {
	s := serve(t, identity.Options{})
	s.do("POST", "projects/another/accounts", object{}, "Bearer owner").refused("CONFIGURATION_NOT_FOUND")
	s.do("POST", "accounts:signUp", object{"targetProjectId": "another"}, "Bearer owner").refused("CONFIGURATION_NOT_FOUND")
	s.client("accounts:signUp", object{"targetProjectId": project}).refused("INSUFFICIENT_PERMISSION")
	s.client("accounts:signUp", object{"tenantId": "t"}).refused("UNSUPPORTED_TENANT_OPERATION")
}

func TestNew_RefusesOptionsThatMakeNoSense(t *testing.T) {
	for _, opts := range []identity.Options{{}, {ProjectID: "p", KeyCount: -1}, {ProjectID: "p", ScryptMemoryCost: 15}} {
		if _, err := identity.New(opts); err == nil {
			t.Errorf("%+v is taken", opts)
		}
	}
	s := serve(t, identity.Options{})
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}
