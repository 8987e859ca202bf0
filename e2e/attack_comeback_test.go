package e2e

import (
	"net/http"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

func TestAttack_AnEndedSessionIsNotTakenOverAgain_A5(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password)
	now := time.Now().Unix()
	foreign := hs256(t, refreshSecret, map[string]any{"id": id.String(), "iat": now - 40*86400, "exp": now + 40*86400})
	first := pairOf(t, ask(t, s, http.MethodPost, "/auth/refresh", refreshBody(t, foreign)), 200)
	sid := payloadOf(t, first.AccessToken)["sid"].(string)
	ask(t, s, http.MethodDelete, "/v1/auth/me/sessions/"+sid, "", "Authorization", "Bearer "+first.AccessToken).expect(t, "end", 200, "")
	execute(t, s.Stack, `UPDATE auth.legacy_sessions SET rotated_at = rotated_at - interval '31 days',
		expires_at = expires_at - interval '31 days', ended_at = ended_at - interval '31 days'`)
	legacyLogin(t, s, email, servicetest.Password)
	ask(t, s, http.MethodPost, "/auth/refresh", refreshBody(t, foreign)).expect(t, "A5: a month later", 401, "token_expired")
}

// T4: a token stays refused after its session's expiry.
func TestAttack_AnEndedSessionsTokenDoesNotComeBack_T4(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	s := stack.Start(t)
	email := servicetest.Email()
	localUser(t, stack, email, servicetest.Password)
	thief := legacyLogin(t, s, email, servicetest.Password)
	sid := payloadOf(t, thief.AccessToken)["sid"].(string)
	ask(t, s, http.MethodDelete, "/v1/auth/me/sessions/"+sid, "", "Authorization", "Bearer "+thief.AccessToken).expect(t, "end", 200, "")
	execute(t, stack, "UPDATE auth.legacy_sessions SET expires_at = now() - interval '1 second'")
	legacyLogin(t, s, email, servicetest.Password)
	expectRefusal(t, stack.Start(t), "T4: ended, after the next sign-in, at an instance that remembers nothing", thief.AccessToken, 401, "token_revoked")
}

// M5, M6, F3: registering an unproven address gives no access to its owner's account at Firebase.
func TestAttack_TrustDoesNotCoverWhoRegistersHere_M5_M6_F3(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"the owner", "the attacker"} {
		t.Run(first+" is first", func(t *testing.T) {
			t.Parallel()
			s := servicetest.Start(t, trusts)
			execute(t, s.Stack, "UPDATE auth.rollout SET new_users = 'local', users_buckets = 10000, traffic_buckets = 10000")
			address := servicetest.Email()
			signInByGoogle := func() string {
				return s.Token(t, identity.User{UID: "owner-of-the-address-28-char", Email: address, EmailVerified: true}, "google.com")
			}
			if first == "the owner" {
				signInByGoogle()
			}
			attacker := sessionOf(t, ask(t, s, http.MethodPost, "/v1/auth/register", registerBody(t, address, "AttackersPassword1")), 201)
			if first == "the owner" {
				in := newLogin(t, s, address, "AttackersPassword1")
				if in.Kind == "firebase" {
					t.Errorf("M6: the attacker is signed in at Firebase, as %s", in.UID)
				}
			}
			expectUser(t, s, "the owner", signInByGoogle())
			expectRefusal(t, s, "F3: the attacker's session", attacker.IDToken, 401, "token_revoked")
			for _, path := range surfaces {
				ask(t, s, http.MethodPost, path, registerBody(t, address, "AttackersPassword1")).
					expect(t, "F3: the attacker's password", 401, "invalid_credentials")
			}
		})
	}
}
