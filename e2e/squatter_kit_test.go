package e2e

import (
	"encoding/json"
	"net/http"
	"testing"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

// squat is an address that a stranger registered, with the stranger's tokens.
type squat struct {
	email, uid    string // "" means a local row
	access        string // legacy; "" means none
	legacyRefresh string
	firebase      []string
	carried       string // refresh token that continues a legacy session at Firebase
}

func (q squat) tokens() map[string]string {
	all := map[string]string{}
	if q.access != "" {
		all["the legacy access token"] = q.access
	}
	for _, token := range q.firebase {
		all["the Firebase session "+token[len(token)-6:]] = token
	}
	return all
}

// holds adds a Firebase session and one that continues the legacy pair.
func (q squat) holds(t testing.TB, s *servicetest.Service) squat {
	t.Helper()
	q.firebase = append(q.firebase, newLogin(t, s, q.email, servicetest.Password).IDToken)
	if q.legacyRefresh != "" {
		went := renew(t, s, "the stranger's legacy session", q.legacyRefresh, "firebase")
		q.firebase, q.carried = append(q.firebase, went.IDToken), went.RefreshToken
	}
	for what, token := range q.tokens() {
		q.uid = *expectUser(t, s, what+" before the proof", token).FirebaseUID
	}
	return q
}

var squats = map[string]func(t testing.TB, s *servicetest.Service) squat{
	"old surface": func(t testing.TB, s *servicetest.Service) squat {
		email := servicetest.Email()
		pair := pairOf(t, ask(t, s, http.MethodPost, "/auth/register", registerBody(t, email, servicetest.Password)), http.StatusCreated)
		return squat{email: email, access: pair.AccessToken, legacyRefresh: pair.RefreshToken}.holds(t, s)
	},
	"/v1 register": func(t testing.TB, s *servicetest.Service) squat {
		person := s.Person(t)
		return squat{email: *person.Email, firebase: []string{person.IDToken}}.holds(t, s)
	},
	"the Firebase SDK": func(t testing.TB, s *servicetest.Service) squat {
		email := servicetest.Email()
		token := s.Token(t, identity.User{Email: email, Password: servicetest.Password}, "password")
		expectUser(t, s, "the stranger", token)
		pair := legacyLogin(t, s, email, servicetest.Password)
		return squat{email: email, firebase: []string{token}, access: pair.AccessToken, legacyRefresh: pair.RefreshToken}.holds(t, s)
	},
	"moved from here": func(t testing.TB, s *servicetest.Service) squat {
		o := moved(t, s)
		return squat{email: o.email, access: o.tokens[1], legacyRefresh: o.legacyRefresh, firebase: o.tokens[:1]}.holds(t, s)
	},
	"linked by the local password": func(t testing.TB, s *servicetest.Service) squat {
		email := servicetest.Email()
		localUser(t, s.Stack, email, servicetest.Password)
		pair := legacyLogin(t, s, email, servicetest.Password)
		token := s.Token(t, identity.User{Email: email, Password: servicetest.Password}, "password")
		ask(t, s, http.MethodPost, "/v1/auth/link", jsonOf(t, map[string]string{"password": servicetest.Password}), authorized(token)...).
			expect(t, "the link", http.StatusOK, "")
		return squat{email: email, access: pair.AccessToken, legacyRefresh: pair.RefreshToken, firebase: []string{token}}.holds(t, s)
	},
}

func (q squat) signsIn(t testing.TB, s *servicetest.Service, provider string, verified bool) string {
	t.Helper()
	return s.Token(t, identity.User{UID: q.uid, Email: q.email, EmailVerified: verified}, provider)
}

// takenOver signs the owner in with Google. Firebase then deletes the password of an unverified account.
func (q squat) takenOver(t testing.TB, s *servicetest.Service) string {
	t.Helper()
	token := q.signsIn(t, s, "google.com", true)
	answer := atFirebase(t, s.Stack, "update", map[string]any{"idToken": token, "deleteAttribute": []string{"PASSWORD"}})
	if answer["error"] != nil {
		t.Fatalf("take the password away: %v", answer)
	}
	return token
}

// expectOut requires all of the stranger's tokens to be refused.
func (q squat) expectOut(t testing.TB, s *servicetest.Service) {
	t.Helper()
	for what, token := range q.tokens() {
		expectRefusal(t, s, what, token, http.StatusUnauthorized, "token_revoked")
	}
	if q.legacyRefresh != "" {
		for _, path := range []string{"/v1/auth/refresh", "/auth/refresh"} {
			refresh(t, s, path, q.legacyRefresh).expect(t, "the legacy refresh token at "+path, http.StatusUnauthorized, "token_revoked")
		}
		if answer := refresh(t, s, "/v1/auth/refresh", q.carried); answer.status != http.StatusUnauthorized {
			t.Errorf("the session that went on at Firebase is refreshed: %d %s", answer.status, answer.body)
		}
	}
}

func (q squat) expectIn(t testing.TB, s *servicetest.Service) {
	t.Helper()
	for what, token := range q.tokens() {
		expectUser(t, s, what, token)
	}
	if q.legacyRefresh != "" {
		renew(t, s, "the legacy session", q.legacyRefresh, "firebase")
	}
}

// proofsOf returns the audited proofs, and whether the last one ended sessions.
func (q squat) proofsOf(t testing.TB, s *servicetest.Service) (times int, ended bool) {
	t.Helper()
	rows, err := s.DB.Query(t.Context(), `SELECT details FROM auth.audit_events AS events
		JOIN auth.users AS users ON users.id = events.user_id
		WHERE users.firebase_uid = $1 AND action = 'user.email_proven' ORDER BY events.id`, q.uid)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for ; rows.Next(); times++ {
		var raw []byte
		if err := rows.Scan(&raw); err != nil {
			t.Fatal(err)
		}
		var details struct {
			Ended bool `json:"sessions_ended"`
		}
		if err := json.Unmarshal(raw, &details); err != nil {
			t.Fatal(err)
		}
		ended = details.Ended
	}
	return times, ended
}
