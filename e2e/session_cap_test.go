package e2e

import (
	"net/http"
	"sync"
	"testing"

	"auth-v2-service/internal/testkit/servicetest"
)

const mostSessions = 5

var capped = map[string]string{"LEGACY_SESSIONS_MAX": "5", "LEGACY_EMAIL_VERIFIED": "trust"}

// LEGACY_SESSIONS_MAX ends the least recently used session and audits it.
func TestSessionCap_TheOneUsedLongestAgoEnds(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, capped)
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password)
	pairs := make([]legacyPair, mostSessions)
	for i := range pairs {
		pairs[i] = legacyLogin(t, s, email, servicetest.Password)
	}
	pairs[0] = pairOf(t, refresh(t, s, "/auth/refresh", pairs[0].RefreshToken), http.StatusOK) // now recently used
	for _, pair := range pairs {
		expectUser(t, s, "as many as may be", pair.AccessToken)
	}
	last := legacyLogin(t, s, email, servicetest.Password)
	expectRefusal(t, s, "the one used longest ago", pairs[1].AccessToken, http.StatusUnauthorized, "token_revoked")
	refresh(t, s, "/auth/refresh", pairs[1].RefreshToken).expect(t, "its refresh token", http.StatusUnauthorized, "token_revoked")
	for _, i := range []int{0, 2, 3, 4} {
		expectUser(t, s, "a session that stays", pairs[i].AccessToken)
	}
	expectUser(t, s, "the newest", last.AccessToken)
	if n := count(t, s.Stack, "auth.audit_events WHERE user_id = $1 AND action = 'session.displaced' AND request_id IS NOT NULL", id); n != 1 {
		t.Errorf("%d events of a displaced session, expected one", n)
	}
}

func TestSessionCap_ManyAtOnce(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	instances := []*servicetest.Service{stack.Start(t, capped), stack.Start(t, capped)}
	email := servicetest.Email()
	id := localUser(t, stack, email, servicetest.Password)
	pairs := make([]legacyPair, 4*mostSessions)
	var all sync.WaitGroup
	for i := range pairs {
		all.Go(func() { pairs[i] = legacyLogin(t, instances[i%2], email, servicetest.Password) })
	}
	all.Wait()
	live := count(t, stack, "auth.legacy_sessions WHERE user_id = $1 AND ended_at IS NULL", id)
	if live != mostSessions {
		t.Errorf("%d sessions are live, expected %d", live, mostSessions)
	}
	eventually(t, "as many access tokens count", func() bool {
		counting := 0
		for _, pair := range pairs {
			if status, _, _ := instances[0].Verify(t, pair.AccessToken); status == http.StatusOK {
				counting++
			}
		}
		return counting == mostSessions
	})
}

// Ended sessions are deleted, unless they continue at Firebase: a user's facts must not grow.
func TestSessionCap_EndedOnesAreForgotten_M9(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, capped)
	o := moved(t, s)
	there := renew(t, s, "the session that goes on at Firebase", o.legacyRefresh, "firebase")
	for range 2 * mostSessions {
		legacyLogin(t, s, o.email, servicetest.Password)
	}
	expectRefusal(t, s, "M9: the session at Firebase ends with the one that it goes on from", there.IDToken, http.StatusUnauthorized, "token_revoked")
	execute(t, s.Stack, "UPDATE auth.legacy_sessions SET ended_at = ended_at - interval '26 hours' WHERE user_id = $1", o.id)
	legacyLogin(t, s, o.email, servicetest.Password)
	refreshed := refresh(t, s, "/v1/auth/refresh", there.RefreshToken)
	refreshed.expect(t, "M9: its refresh token, a day later", http.StatusUnauthorized, "token_revoked")
	if rows := count(t, s.Stack, "auth.legacy_sessions WHERE user_id = $1", o.id); rows != mostSessions+2 {
		t.Errorf("%d sessions are kept, expected the live ones, the one that has just ended and the one that went on at Firebase", rows)
	}
}
