package identity_test

import (
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
)

func TestSignUp_SignsInAndTheTokenVerifies(t *testing.T) {
	s := serve(t, identity.Options{})
	up := s.signUp("Jane@Example.com")
	if got := len(up.text("localId")); got != 28 {
		t.Errorf("uid has %d characters, want 28", got)
	}
	claims := verified(t, s, up.text("idToken"))
	want := object{
		"iss": "https://securetoken.google.com/" + project, "aud": project, "sub": up.text("localId"),
		"user_id": up.text("localId"), "email": "jane@example.com", "email_verified": false,
		"firebase": object{"identities": object{"email": []any{"jane@example.com"}}, "sign_in_provider": "password"},
	}
	for name, value := range want {
		equal(t, name, claims[name], value)
	}
	s.client("accounts:signUp", object{"email": "jane@example.com", "password": "secret-1"}).refused("EMAIL_EXISTS")
	s.signIn("jane@example.com", "secret-1").ok()
	s.signIn("jane@example.com", "wrong-11").refused("INVALID_LOGIN_CREDENTIALS")
	s.signIn("john@example.com", "secret-1").refused("INVALID_LOGIN_CREDENTIALS")
}

func TestRefresh_KeepsAuthTimeOfTheSession(t *testing.T) {
	now := newClock()
	s := serve(t, identity.Options{Clock: now.Now})
	up := s.signUp("jane@example.com")
	began := verified(t, s, up.text("idToken"))["auth_time"]
	now.Advance(30 * time.Minute)
	s.signIn("jane@example.com", "secret-1").ok()
	now.Advance(30 * time.Minute)
	claims := verified(t, s, s.refresh(up.text("refreshToken")).ok().text("id_token"))
	equal(t, "auth_time", claims["auth_time"], began)
	equal(t, "iat", claims["iat"], float64(now.Now().Unix()))
}
