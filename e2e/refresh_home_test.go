package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

type pair struct {
	IDToken, RefreshToken, Kind string
	ExpiresIn                   int
}

func renew(t testing.TB, s *servicetest.Service, what, refreshToken, kind string) pair {
	t.Helper()
	answer := refresh(t, s, "/v1/auth/refresh", refreshToken)
	var body struct{ Data pair }
	if err := json.Unmarshal(answer.body, &body); err != nil || answer.status != http.StatusOK || body.Data.Kind != kind {
		t.Fatalf("M9: %s: %d %s (%v), expected a %s pair\n%s", what, answer.status, answer.body, err, kind, s.Log)
	}
	return body.Data
}

func (o sessions) expectAs(t testing.TB, s *servicetest.Service, what, token, kind string) {
	t.Helper()
	answer := ask(t, s, http.MethodPost, "/v1/auth/verify-token", jsonOf(t, map[string]string{"token": token}))
	var body struct {
		Data struct {
			User  struct{ ID string }
			Token struct{ Kind string }
		}
	}
	if err := json.Unmarshal(answer.body, &body); err != nil || body.Data.User.ID != o.id.String() || body.Data.Token.Kind != kind {
		t.Errorf("M9: %s: %d %s (%v), expected %s of %s", what, answer.status, answer.body, err, kind, o.id)
	}
	ask(t, s, http.MethodGet, "/v1/auth/me", "", authorized(token)...).expect(t, what+" at /me", 200, "")
}

func (o sessions) sinceBefore(t testing.TB, s *servicetest.Service, refreshToken string) time.Time {
	t.Helper()
	began := time.Now().Add(-time.Hour).Truncate(time.Second)
	execute(t, s.Stack, "UPDATE auth.legacy_sessions SET began_at = $2 WHERE id = $1", payloadOf(t, refreshToken)["sid"], began)
	return began
}

// atSecureToken renews directly at Firebase, as its SDK does.
func atSecureToken(t testing.TB, s *servicetest.Stack, refreshToken string) string {
	t.Helper()
	response, err := http.PostForm(s.IdentityURL+"/securetoken.googleapis.com/v1/token?key=test-key",
		url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		IDToken string `json:"id_token"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil || answer.IDToken == "" {
		t.Fatalf("renewing a session at Firebase: %d, %v", response.StatusCode, err)
	}
	return answer.IDToken
}

// An old client keeps the legacy pair.
func TestRefresh_OfSomebodyWhoHasMoved_M9(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	s, other := stack.Start(t, trusts), stack.Start(t, trusts)
	o := moved(t, s)
	first := renew(t, s, "a legacy refresh token of somebody at Firebase", o.legacyRefresh, "firebase")
	o.expectAs(t, s, "the pair's ID token", first.IDToken, "firebase")
	o.expectAs(t, other, "the pair's ID token elsewhere", first.IDToken, "firebase")
	second := renew(t, other, "Firebase's refresh token", first.RefreshToken, "firebase")
	o.expectAs(t, s, "the next ID token", second.IDToken, "firebase")
	again := renew(t, other, "the answer was lost, and is asked for again (A5)", o.legacyRefresh, "firebase")
	o.expectAs(t, s, "the second answer", again.IDToken, "firebase")
	old := legacyLogin(t, s, o.email, servicetest.Password)
	pairOf(t, refresh(t, s, "/api/v1/auth/refresh", old.RefreshToken), 200)
	if accounts := len(stack.Identity.Users()); accounts != 1 {
		t.Errorf("M9: %d accounts at Firebase, expected the one", accounts)
	}
}

// Revocations compare with the first sign-in, also for Firebase's own renewals.
func TestRefresh_KeepsTheTimeOfTheSignIn_M9_T4(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	s, other := stack.Start(t, trusts), stack.Start(t, trusts)
	o := moved(t, s)
	began := o.sinceBefore(t, s, o.legacyRefresh)
	there := renew(t, s, "a legacy refresh token", o.legacyRefresh, "firebase")
	o.expectAs(t, other, "before the revocation", there.IDToken, "firebase")
	execute(t, stack, "UPDATE auth.users SET tokens_valid_after = $2 WHERE id = $1", o.id, began.Add(time.Minute))
	refresh(t, s, "/v1/auth/refresh", there.RefreshToken).expect(t, "T4: Firebase's refresh token", 401, "token_revoked")
	refresh(t, s, "/v1/auth/refresh", o.legacyRefresh).expect(t, "T4: the legacy refresh token", 401, "token_revoked")
	renewed := atSecureToken(t, stack, there.RefreshToken)
	for what, token := range map[string]string{"the session that went on": there.IDToken, "renewed past us": renewed} {
		refusedAs(t, other, 11*time.Second, "T4: "+what, token, "token_revoked")
	}
	o.expectAs(t, s, "a session of after the revocation", o.tokens[0], "firebase")
}

func TestRefresh_EndsWithTheSessionItGoesOnFrom_M9_A5(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	s, other := stack.Start(t, trusts), stack.Start(t, trusts)
	for what, end := range map[string]func(o sessions){
		"the person ends it": func(o sessions) {
			id, _ := payloadOf(t, o.legacyRefresh)["sid"].(string)
			ask(t, s, http.MethodDelete, "/v1/auth/me/sessions/"+id, "", authorized(o.tokens[0])...).expect(t, "ending it", 200, "")
		},
		"its refresh token is used again": func(o sessions) {
			execute(t, stack, "UPDATE auth.legacy_sessions SET rotated_at = rotated_at - interval '31 seconds' WHERE user_id = $1", o.id)
			refresh(t, s, "/v1/auth/refresh", o.legacyRefresh).expect(t, "a replay", 401, "token_revoked")
		},
	} {
		o := moved(t, s)
		there := renew(t, s, what, o.legacyRefresh, "firebase")
		o.expectAs(t, other, what+": before", there.IDToken, "firebase")
		end(o)
		for _, instance := range []*servicetest.Service{s, other} {
			refusedAs(t, instance, time.Second, "M9: "+what, there.IDToken, "token_revoked")
		}
		refresh(t, other, "/v1/auth/refresh", there.RefreshToken).expect(t, "M9: "+what+", its refresh token", 401, "token_revoked")
		o.expectAs(t, other, what+": another session of the person", o.tokens[0], "firebase")
		expectRefusal(t, other, "M9: "+what+", after that session was seen", there.IDToken, 401, "token_revoked")
		// Firebase's refresh tokens never expire, so the end must hold.
		execute(t, stack, `UPDATE auth.legacy_sessions SET began_at = began_at - interval '100 days',
			expires_at = expires_at - interval '100 days', ended_at = ended_at - interval '100 days' WHERE user_id = $1`, o.id)
		legacyLogin(t, s, o.email, servicetest.Password)
		expectRefusal(t, s, "M9: "+what+", a hundred days ago", atSecureToken(t, stack, there.RefreshToken), 401, "token_revoked")
	}
}

// T8: a forgeable legacy token proves no recent sign-in.
func TestRefresh_IsNoSignIn_M9_A10(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	unconfirmed := func(what, token string) {
		t.Helper()
		ask(t, s, http.MethodDelete, "/v1/auth/me", "", authorized(token)...).expect(t, "A10: "+what, 401, "reauth_required")
	}
	o := moved(t, s)
	o.sinceBefore(t, s, o.legacyRefresh)
	unconfirmed("a session of an hour ago", renew(t, s, "an hour later", o.legacyRefresh, "firebase").IDToken)
	now := time.Now().Unix()
	forged := hs256(t, refreshSecret, map[string]any{"id": o.id.String(), "iat": now, "exp": now + 86400})
	unconfirmed("a session of the old service's token", renew(t, s, "the old service's token", forged, "firebase").IDToken)
	recent := legacyLogin(t, s, o.email, servicetest.Password)
	there := renew(t, s, "a moment later", recent.RefreshToken, "firebase")
	ask(t, s, http.MethodDelete, "/v1/auth/me", "", authorized(there.IDToken)...).expect(t, "A10: a session of this moment", 200, "")
}

// A forgeable session never becomes a Firebase token of an admin.
func TestRefresh_OpensNothingForAdmins_M9_T8(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	o := moved(t, s)
	there := renew(t, s, "before the person is an admin", o.legacyRefresh, "firebase")
	execute(t, s.Stack, "UPDATE auth.users SET user_type = 'admin' WHERE id = $1", o.id)
	waitFor(t, 11*time.Second, "the person is an admin", func() bool {
		return ask(t, s, http.MethodGet, "/v1/admin/rollout", "", authorized(o.tokens[0])...).status == http.StatusOK
	})
	ask(t, s, http.MethodGet, "/v1/admin/rollout", "", authorized(there.IDToken)...).expect(t, "T8: a session that went on", 403, "forbidden")
	now := time.Now().Unix()
	forged := hs256(t, refreshSecret, map[string]any{"id": o.id.String(), "iat": now, "exp": now + 86400})
	renew(t, s, "an admin's legacy refresh token", forged, "legacy")
}

// The session continues here. A disabled user is refused.
func TestRefresh_WhileFirebaseIsAway_M9(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	o := moved(t, s)
	if err := s.Identity.AddFaults(identity.Fault{Match: "accounts:signInWithCustomToken", Kind: identity.FaultUnavailable}); err != nil {
		t.Fatal(err)
	}
	here := renew(t, s, "while Firebase fails", o.legacyRefresh, "legacy")
	s.Identity.ClearFaults()
	o.expectAs(t, s, "the pair of here", here.IDToken, "legacy")
	there := renew(t, s, "when it is back", here.RefreshToken, "firebase")
	o.expectAs(t, s, "the pair of there", there.IDToken, "firebase")

	off := moved(t, s)
	if _, err := s.Identity.PutUser(identity.User{UID: off.id.String(), Disabled: true}); err != nil {
		t.Fatal(err)
	}
	refresh(t, s, "/v1/auth/refresh", off.legacyRefresh).expect(t, "S1: disabled at Firebase", 403, "account_deactivated")
}

func TestRefresh_OfSomebodyWhoHasReturned_M9(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	s := stack.Start(t, trusts)
	o := moved(t, s)
	carried := renew(t, s, "before the return", o.legacyRefresh, "firebase")
	execute(t, stack, "UPDATE auth.users SET auth_provider = 'local' WHERE id = $1", o.id)
	here := renew(t, s, "Firebase's refresh token of somebody who lives here", o.firebaseTokens[0], "legacy")
	o.expectAs(t, s, "the pair's access token", here.IDToken, "legacy")
	here = renew(t, s, "the next one", here.RefreshToken, "legacy")
	o.expectAs(t, s, "the next access token", here.IDToken, "legacy")
	if there, now := payloadOf(t, o.tokens[0])["auth_time"], payloadOf(t, here.IDToken)["auth_time"]; there != now {
		t.Errorf("T4: the session began at %v, and is said to have begun at %v", there, now)
	}
	renew(t, s, "one that had come from here", carried.RefreshToken, "legacy")

	off := stack.Start(t, trusts, map[string]string{"LEGACY_TOKENS": "off"})
	renew(t, off, "where there are no legacy tokens", o.firebaseTokens[0], "firebase")
	ask(t, s, http.MethodPost, "/v1/auth/logout", "", authorized(here.IDToken)...).expect(t, "logout", 200, "")
	for what, token := range map[string]string{"Firebase's": o.firebaseTokens[0], "ours": here.RefreshToken, "the one that came and went": carried.RefreshToken} {
		refresh(t, s, "/v1/auth/refresh", token).expect(t, "T4: "+what+" refresh token after the logout", 401, "token_revoked")
	}
}
