package e2e

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

func link(t testing.TB, s *servicetest.Service, token, password string, header ...string) reply {
	t.Helper()
	return ask(t, s, http.MethodPost, "/v1/auth/link", jsonOf(t, map[string]string{"password": password}),
		append(authorized(token), header...)...)
}

func linkedTo(t testing.TB, answer reply) client.Me {
	t.Helper()
	answer.expect(t, "link", http.StatusOK, "")
	var decoded client.MeEnvelope
	if err := json.Unmarshal(answer.body, &decoded); err != nil {
		t.Fatalf("%s: %v", answer.body, err)
	}
	return decoded.Data.User
}

// unproved has an unverified address and its own password.
func unproved(t testing.TB, s *servicetest.Service, email string) identity.Session {
	t.Helper()
	session, err := s.Identity.SignIn(t.Context(), identity.User{Email: email, Password: newPassword}, "password")
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// From the link on, Firebase's password counts (A7).
func TestLink_ByPassword_F3(t *testing.T) {
	t.Parallel()
	stack, instances := twoInstances(t)
	s, elsewhere := instances[0], instances[1]
	email := servicetest.Email()
	id := localUser(t, stack, email, servicetest.Password, map[string]any{"token_balance": 42})
	old := legacyLogin(t, s, email, servicetest.Password)
	before := rowOf(t, stack, "id = $1", id)
	session := unproved(t, s, email)
	for _, instance := range instances {
		expectRefusal(t, instance, "F3: before", session.IDToken, http.StatusConflict, "account_link_required")
	}
	for _, wrong := range []string{"WrongPassword1", newPassword} {
		link(t, s, session.IDToken, wrong).expect(t, "F3: with a password that is not the row's", 401, "invalid_credentials")
	}
	expectUntouched(t, s, before)
	expectRefusal(t, s, "F3: after a wrong password", session.IDToken, http.StatusConflict, "account_link_required")

	user := linkedTo(t, link(t, s, session.IDToken, servicetest.Password))
	if user.ID != id || user.AuthProvider != "hybrid" || user.TokenBalance != 42 {
		t.Errorf("F3: answered %+v, expected the row %s", user, id)
	}
	after := rowOf(t, stack, "id = $1", id)
	expectLinked(t, before, after, session.UID)
	if !equal(after.Hash, before.Hash) || after.LegacyTokensValidAt != nil {
		t.Error("F3: the proved password was not kept")
	}
	expectAudited(t, s, id, "user.linked", session.UID, 1)
	expectLinkedDoors(t, s, session, id)
	waitFor(t, time.Second, "T5: the token works on another instance", func() bool {
		status, _, user := elsewhere.Verify(t, session.IDToken)
		return status == http.StatusOK && user.ID == id
	})
	expectUser(t, s, "the session of the old client", old.AccessToken)
	for _, password := range []string{servicetest.Password, "WrongPassword1"} {
		if again := linkedTo(t, link(t, elsewhere, session.IDToken, password)); again.ID != id {
			t.Errorf("F3: linked already, answered %s", again.ID)
		}
	}
	expectAudited(t, s, id, "user.linked", session.UID, 1)
	expectShutOut(t, s, email, servicetest.Password)
	expectSignsIn(t, s, email, newPassword)
	if !fits(t, stack, id, newPassword) {
		t.Error("A7: the local hash has not followed")
	}
	expectNoSecrets(t, s, servicetest.Password, newPassword, "WrongPassword1", session.IDToken, session.RefreshToken, email)
}

func expectLinkedDoors(t *testing.T, s *servicetest.Service, session identity.Session, id uuid.UUID) {
	t.Helper()
	if user := expectUser(t, s, "F3: verify-token at once", session.IDToken); user.ID != id {
		t.Errorf("F3: verify-token answered %s", user.ID)
	}
	for method, path := range map[string]string{http.MethodGet: "/v1/auth/me", http.MethodHead: "/v1/auth/forward"} {
		ask(t, s, method, path, "", authorized(session.IDToken)...).expect(t, "F3: "+path+" at once", 200, "")
	}
	ask(t, s, http.MethodGet, "/auth/me", "", authorized(session.IDToken)...).expect(t, "F3: the old surface at once", 200, "")
	refresh(t, s, "/v1/auth/refresh", session.RefreshToken).expect(t, "F3: refresh at once", 200, "")
}

// A2: Firebase receives the local password.
func TestLink_ToAnAccountWithoutAPassword_F3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password)
	token := s.Token(t, identity.User{Email: email}, "google.com")
	if user := linkedTo(t, link(t, s, token, servicetest.Password)); user.ID != id {
		t.Errorf("F3: answered %s, expected %s", user.ID, id)
	}
	expectSignsIn(t, s, email, servicetest.Password)
	if !opensAtFirebase(t, s.Stack, email, servicetest.Password) {
		t.Error("A2: Firebase has not learnt the password")
	}
}

func TestLink_AnAdminsRow_F3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password, map[string]any{"user_type": "admin"})
	token := s.Token(t, identityUser(email), "google.com")
	expectRefusal(t, s, "F3: a verified address", token, http.StatusConflict, "account_link_required")
	link(t, s, token, "WrongPassword1").expect(t, "F3: a wrong password", 401, "invalid_credentials")
	if user := linkedTo(t, link(t, s, token, servicetest.Password)); user.ID != id || user.UserType != "admin" {
		t.Errorf("F3: answered %+v, expected the admin %s", user, id)
	}
	ask(t, s, http.MethodGet, "/v1/admin/rollout", "", authorized(token)...).expect(t, "an admin's operation", 200, "")
}

func TestLink_GuessesAreCounted_A4(t *testing.T) {
	t.Parallel()
	s := limited(t)
	const stranger, owner = "203.0.113.9", "198.51.100.7"
	email := servicetest.Email()
	localUser(t, s.Stack, email, servicetest.Password)
	token := unproved(t, s, email).IDToken
	for range 5 {
		link(t, s, token, "WrongPassword1", "X-Forwarded-For", stranger).expect(t, "a guess", 401, "invalid_credentials")
		login(t, s, stranger, email, "WrongPassword1").expect(t, "a guess at login", 401, "invalid_credentials")
	}
	expectLimited(t, "A4: the next guess", link(t, s, token, "WrongPassword1", "X-Forwarded-For", stranger))
	expectLimited(t, "A4: the right password from there", link(t, s, token, servicetest.Password, "X-Forwarded-For", stranger))
	expectLimited(t, "A4: login from there", login(t, s, stranger, email, servicetest.Password))
	link(t, s, token, servicetest.Password, "X-Forwarded-For", owner).expect(t, "A4: the owner elsewhere", 200, "")
}

// F3: a token with a row returns it and ignores the password.
func TestLink_WhoHasARow(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	for home, live := range homes {
		o := live(t, s)
		for _, token := range o.tokens {
			if user := linkedTo(t, link(t, s, token, "whatever")); user.ID != o.id || string(user.AuthProvider) != home {
				t.Errorf("%s: answered %s at %s, expected %s", home, user.ID, user.AuthProvider, o.id)
			}
		}
	}
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password)
	if user := linkedTo(t, link(t, s, s.Token(t, identityUser(email), "google.com"), "whatever")); user.ID != id {
		t.Errorf("F3: a verified address was answered %s, expected %s", user.ID, id)
	}
	if user := linkedTo(t, link(t, s, s.Token(t, identityUser(servicetest.Email()), "google.com"), "whatever")); user.AuthProvider != "firebase" {
		t.Errorf("F1: a newcomer was answered a row at %s", user.AuthProvider)
	}
}

// F3, F9: each refusal has its code.
func TestLink_Refusals(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	body := `{"password":"TestPassword123"}`
	now := time.Now().Unix()
	ask(t, s, "POST", "/v1/auth/link", body).expect(t, "no token", 401, "token_missing")
	ask(t, s, "POST", "/v1/auth/link", body, "Authorization", "Bearer a.b.c").expect(t, "no such token", 401, "token_invalid")
	two := ask(t, s, "POST", "/v1/auth/link", body, "Authorization", "Bearer a.b.c", "Authorization", "Bearer a.b.c")
	two.expect(t, "two tokens", 400, "invalid_request")
	o := livesAtFirebase(t, s)
	expired := hs256(t, accessSecret, oldAccess(o.id, o.email, map[string]any{"iat": now - 7200, "exp": now - 3600}))
	link(t, s, expired, servicetest.Password).expect(t, "an expired token", 401, "token_expired")
	logout(t, s, o.tokens[0])
	for _, token := range o.tokens {
		link(t, s, token, servicetest.Password).expect(t, "a revoked token", 401, "token_revoked")
	}
	for what, columns := range map[string]map[string]any{
		"a row whose hash is none":      {"password_hash": "a hash"},
		"a row without a hash":          {"password_hash": nil, "auth_provider": "firebase"},
		"a row whose hash fits nothing": {"password_hash": "!"},
	} {
		email := servicetest.Email()
		legacyRow(t, s.Stack, email, columns)
		link(t, s, unproved(t, s, email).IDToken, "a hash").expect(t, what, 401, "invalid_credentials")
	}
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password, map[string]any{"is_active": false})
	token := unproved(t, s, email).IDToken
	link(t, s, token, "WrongPassword1").expect(t, "A3: a deactivated row and a wrong password", 401, "invalid_credentials")
	link(t, s, token, servicetest.Password).expect(t, "F9: a deactivated row", 403, "account_deactivated")
	if n := count(t, s.Stack, "auth.users WHERE id = $1 AND NOT is_active AND firebase_uid IS NULL", id); n != 1 {
		t.Error("F9: a row that lets nobody in was linked")
	}
}

func TestLink_AtOnce_F3(t *testing.T) {
	t.Parallel()
	_, instances := twoInstances(t)
	s := instances[0]
	for what, accounts := range map[string]int{"one account": 1, "four accounts": 4} {
		t.Run(what, func(t *testing.T) {
			email := servicetest.Email()
			id := localUser(t, s.Stack, email, servicetest.Password)
			tokens := make([]string, 8)
			var uids []string
			for range accounts {
				uids = append(uids, newUID())
			}
			for i := range tokens {
				tokens[i] = mint(t, s.Stack, claims(uids[i%accounts], email, map[string]any{"email_verified": false, "n": i}))
			}
			answers := make([]reply, len(tokens))
			var all sync.WaitGroup
			for i, token := range tokens {
				all.Go(func() { answers[i] = link(t, instances[i%2], token, servicetest.Password) })
			}
			all.Wait()
			owner := *rowOf(t, s.Stack, "id = $1", id).FirebaseUID
			for i, answer := range answers {
				if uids[i%accounts] == owner {
					if user := linkedTo(t, answer); user.ID != id {
						t.Errorf("F3: answered %s, expected %s", user.ID, id)
					}
					continue
				}
				answer.expect(t, "F7: another account", 409, "identity_conflict")
			}
			if n := count(t, s.Stack, "auth.audit_events WHERE user_id = $1 AND action = 'user.linked'", id); n != 1 {
				t.Errorf("F3: %d links on record, expected one", n)
			}
		})
	}
}
