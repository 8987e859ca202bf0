package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/crypto/bcrypt"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/testkit/servicetest"
)

const newPassword = "NewPassword123"

var trusts = map[string]string{"LEGACY_EMAIL_VERIFIED": "trust"}

// fullTraffic permits moves (R2).
func fullTraffic(t testing.TB, s *servicetest.Stack) {
	t.Helper()
	execute(t, s, "UPDATE auth.rollout SET traffic_buckets = 10000")
}

func movesEverybody(t testing.TB, s *servicetest.Stack) {
	t.Helper()
	execute(t, s, "UPDATE auth.rollout SET traffic_buckets = 10000, users_buckets = 10000")
}

func authorized(token string) []string { return []string{"Authorization", "Bearer " + token} }

// changePassword may leave current empty.
func changePassword(t testing.TB, s *servicetest.Service, token, current, next string, header ...string) reply {
	t.Helper()
	body := map[string]string{"newPassword": next}
	if current != "" {
		body["currentPassword"] = current
	}
	return ask(t, s, http.MethodPost, "/v1/auth/password/change", jsonOf(t, body), append(authorized(token), header...)...)
}

type sessions struct {
	email          string
	id             uuid.UUID
	kind           string
	tokens         []string
	legacyRefresh  string
	firebaseTokens []string
}

// homes signs a user in with both clients at each home.
var homes = map[string]func(t testing.TB, s *servicetest.Service) sessions{
	"local":    livesHere,
	"hybrid":   moved,
	"firebase": livesAtFirebase,
}

func livesHere(t testing.TB, s *servicetest.Service) sessions {
	t.Helper()
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password)
	session, pair := newLogin(t, s, email, servicetest.Password), legacyLogin(t, s, email, servicetest.Password)
	return sessions{
		email: email, id: id, kind: "legacy", tokens: []string{session.IDToken, pair.AccessToken}, legacyRefresh: pair.RefreshToken,
	}
}

func moved(t testing.TB, s *servicetest.Service) sessions {
	t.Helper()
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password)
	pair := legacyLogin(t, s, email, servicetest.Password)
	execute(t, s.Stack, "UPDATE auth.rollout SET users_buckets = 10000, traffic_buckets = 10000")
	session := newLogin(t, s, email, servicetest.Password)
	execute(t, s.Stack, "UPDATE auth.rollout SET users_buckets = 0")
	if session.Kind != "firebase" || session.User.AuthProvider != "hybrid" || session.User.ID != id {
		t.Fatalf("the person is %s at %s, expected to have moved\n%s", session.Kind, session.User.AuthProvider, s.Log)
	}
	return sessions{
		email: email, id: id, kind: "firebase", tokens: []string{session.IDToken, pair.AccessToken},
		legacyRefresh: pair.RefreshToken, firebaseTokens: []string{session.RefreshToken},
	}
}

func livesAtFirebase(t testing.TB, s *servicetest.Service) sessions {
	t.Helper()
	person := s.Person(t)
	pair := legacyLogin(t, s, *person.Email, servicetest.Password)
	return sessions{
		email: *person.Email, id: person.User.ID, kind: "firebase", tokens: []string{person.IDToken, pair.AccessToken},
		legacyRefresh: pair.RefreshToken, firebaseTokens: []string{person.RefreshToken},
	}
}

// expectEnded requires every session to end: here at once, elsewhere within a second (T4, T5).
func (o sessions) expectEnded(t testing.TB, here *servicetest.Service, elsewhere ...*servicetest.Service) {
	t.Helper()
	for _, token := range o.tokens {
		expectRefusal(t, here, "T4: an old session", token, http.StatusUnauthorized, "token_revoked")
		for _, s := range elsewhere {
			refusedAs(t, s, time.Second, "T5: an old session on another instance", token, "token_revoked")
		}
	}
	for _, path := range []string{"/v1/auth/refresh", "/auth/refresh"} {
		refresh(t, here, path, o.legacyRefresh).expect(t, "T4: the refresh of an old client at "+path, 401, "token_revoked")
	}
	for _, token := range o.firebaseTokens {
		answer := refresh(t, here, "/v1/auth/refresh", token)
		if answer.status != http.StatusUnauthorized {
			t.Errorf("T4: the refresh of a new client answered %d %s, expected 401", answer.status, answer.body)
		}
	}
}

func (o sessions) expectAlive(t testing.TB, s *servicetest.Service) {
	t.Helper()
	for _, token := range o.tokens {
		expectUser(t, s, "a session that nobody has ended", token)
	}
}

func refresh(t testing.TB, s *servicetest.Service, path, token string) reply {
	t.Helper()
	return ask(t, s, http.MethodPost, path, jsonOf(t, map[string]string{"refreshToken": token}))
}

var surfaces = []string{"/v1/auth/login", "/auth/login"}

func expectSignsIn(t testing.TB, s *servicetest.Service, email, password string) {
	t.Helper()
	for _, path := range surfaces {
		ask(t, s, http.MethodPost, path, registerBody(t, email, password)).expect(t, "a password that counts, at "+path, 200, "")
	}
}

func expectShutOut(t testing.TB, s *servicetest.Service, email, password string) {
	t.Helper()
	for _, path := range surfaces {
		ask(t, s, http.MethodPost, path, registerBody(t, email, password)).
			expect(t, "a password that does not count, at "+path, 401, "invalid_credentials")
	}
}

func fits(t testing.TB, s *servicetest.Stack, id uuid.UUID, password string) bool {
	t.Helper()
	hash := rowOf(t, s, "id = $1", id).Hash
	return hash != nil && bcrypt.CompareHashAndPassword([]byte(*hash), []byte(password)) == nil
}

// atFirebase asks the identity provider directly.
func atFirebase(t testing.TB, s *servicetest.Stack, operation string, body map[string]any) map[string]any {
	t.Helper()
	location := s.IdentityURL + "/identitytoolkit.googleapis.com/v1/accounts:" + operation + "?key=test-key"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, location, bytes.NewBufferString(jsonOf(t, body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func opensAtFirebase(t testing.TB, s *servicetest.Stack, email, password string) bool {
	t.Helper()
	answer := atFirebase(t, s, "signInWithPassword", map[string]any{"email": email, "password": password, "returnSecureToken": true})
	return answer["error"] == nil
}

func changeBehindOurBack(t testing.TB, s *servicetest.Stack, email, password, next string) {
	t.Helper()
	session := atFirebase(t, s, "signInWithPassword", map[string]any{"email": email, "password": password, "returnSecureToken": true})
	answer := atFirebase(t, s, "update", map[string]any{"idToken": session["idToken"], "password": next, "returnSecureToken": true})
	if answer["error"] != nil {
		t.Fatalf("change a password at Firebase: %v", answer)
	}
}

func expectField(t testing.TB, what string, answer reply, field string) {
	t.Helper()
	var envelope client.Failure
	if err := json.Unmarshal(answer.body, &envelope); err != nil || envelope.Errors == nil || len(*envelope.Errors) != 1 ||
		(*envelope.Errors)[0].Field != field {
		t.Errorf("%s: the field %s is not named: %s", what, field, answer.body)
	}
}

// hourOld returns a valid token of a sign-in that long ago.
func hourOld(t testing.TB, s *servicetest.Service, o sessions, age time.Duration) string {
	t.Helper()
	began := time.Now().Add(-age).Unix()
	if o.kind == "legacy" {
		sid := payloadOf(t, o.tokens[0])["sid"] // the session's beginning counts, not the token's claim (A10)
		execute(t, s.Stack, "UPDATE auth.legacy_sessions SET began_at = to_timestamp($2) WHERE id = $1", sid, began)
		return hs256(t, accessSecret, oldAccess(o.id, o.email, map[string]any{"auth_time": began, "sid": sid}))
	}
	uid := *rowOf(t, s.Stack, "id = $1", o.id).FirebaseUID
	// Unverified, because a first proof would end the other sessions.
	return mint(t, s.Stack, claims(uid, o.email, map[string]any{
		"auth_time": began, "firebase": signedInWith("password"), "email_verified": false,
	}))
}

func messageOf(t testing.TB, answer reply) string {
	t.Helper()
	var envelope client.Failure
	if err := json.Unmarshal(answer.body, &envelope); err != nil {
		t.Errorf("%s: %v", answer.body, err)
	}
	return envelope.Message
}
