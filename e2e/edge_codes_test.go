package e2e

import (
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

func TestCodes_401TokenRefused(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	past := time.Now().Add(-2 * time.Hour).Unix()
	ended := claims(newUID(), servicetest.Email(), map[string]any{"auth_time": past, "iat": past, "exp": past + 3600})
	expectSecured(t, s, always("no.such.token"), 401, 401, "token_invalid")
	expectSecured(t, s, always(mint(t, s.Stack, ended)), 401, 401, "token_expired")
	session := s.Person(t)
	ask(t, s, "POST", "/v1/auth/logout", "", "Authorization", "Bearer "+session.IDToken).expect(t, "logout", 200, "")
	expectSecured(t, s, always(session.IDToken), 401, 401, "token_revoked")
}

// F7: the row's account is gone, and relinking would risk a balance.
func TestCodes_409IdentityConflict_F7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	legacyRow(t, s.Stack, email, map[string]any{"firebase_uid": newUID(), "auth_provider": "firebase", "password_hash": nil})
	newcomer := identity.User{Email: email, EmailVerified: true, Password: servicetest.Password}
	session, err := s.Identity.SignIn(t.Context(), newcomer, "password")
	if err != nil {
		t.Fatal(err)
	}
	expectSecured(t, s, always(session.IDToken), 409, 403, "identity_conflict")
	ask(t, s, "POST", "/v1/auth/login", registerBody(t, email, servicetest.Password)).expect(t, "login", 409, "identity_conflict")
	ask(t, s, "POST", "/v1/auth/refresh", jsonOf(t, map[string]string{"refreshToken": session.RefreshToken})).
		expect(t, "refresh", 409, "identity_conflict")
}

// A1, A3: a repeated registration is answered as a login.
func TestCodes_403RegisterAgainWhenDeactivated_A1_A3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	session := s.Person(t)
	mustExec(t, s.Stack, "UPDATE auth.users SET is_active = false WHERE id = $1", session.User.ID)
	ask(t, s, "POST", "/v1/auth/register", registerBody(t, *session.Email, servicetest.Password)).
		expect(t, "the same registration", 403, "account_deactivated")
	ask(t, s, "POST", "/v1/auth/register", registerBody(t, *session.Email, "AnotherPassword1")).
		expect(t, "another password", 409, "email_taken")
}

func TestCodes_409RegisterAgainWithASecondFactor_A1(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	session := s.Person(t)
	enroll(t, s, session.UID)
	ask(t, s, "POST", "/v1/auth/register", registerBody(t, *session.Email, servicetest.Password)).
		expect(t, "the same registration", 409, "email_taken")
}

func TestCodes_429RefreshesByAddress_A4(t *testing.T) {
	t.Parallel()
	s := limited(t)
	refusal, allowed := untilLimited(t, 5000, func() reply {
		return ask(t, s, "POST", "/v1/auth/refresh", `{}`, "X-Forwarded-For", "203.0.113.9")
	})
	expectLimited(t, "a refresh too many", refusal)
	if allowed < 600 {
		t.Errorf("%d refreshes in a row were let through, expected 600 and what a minute's refill adds", allowed)
	}
}

// A10, A11: the confirming password is a full sign-in.
func TestCodes_DeleteConfirmedByPassword_A10_A11(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	session := s.Person(t)
	stale := staleToken(t, s, session.UID, *session.Email)
	remove := func() reply {
		return ask(t, s, "DELETE", "/v1/auth/me", `{"currentPassword":"`+servicetest.Password+`"}`, "Authorization", "Bearer "+stale)
	}
	enroll(t, s, session.UID)
	remove().expect(t, "with a second factor", 401, "mfa_required")
	fault(t, s, identity.Fault{Match: "accounts:signInWithPassword", Kind: "BLOCKING_FUNCTION_ERROR_RESPONSE"})
	remove().expect(t, "with a blocking function", 403, "sign_in_blocked")
	if _, found := s.Identity.User(session.UID); !found {
		t.Error("the account is gone after refusals")
	}
}
