package e2e

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/crypto/bcrypt"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

type week struct {
	*testing.T
	stack         *servicetest.Stack
	first, second *servicetest.Service
	email         string
	id            uuid.UUID
}

// No log may show a token.
var long = regexp.MustCompile(`"[A-Za-z0-9_.-]{60,}"`)

func (w *week) ask(what string, s *servicetest.Service, status int, method, path, body string, header ...string) reply {
	w.Helper()
	answer := ask(w.T, s, method, path, body, header...)
	shown := strings.TrimSpace(long.ReplaceAllString(string(answer.body), `"..."`))
	w.Logf("%s: %s %s: %d %s", what, method, path, answer.status, shown)
	if answer.status != status {
		w.Errorf("%s: %d, expected %d", what, answer.status, status)
	}
	return answer
}

func (w *week) logIn(what string, s *servicetest.Service, password, kind string) newSession {
	w.Helper()
	session := sessionOf(w.T, w.ask(what, s, 200, "POST", "/v1/auth/login", registerBody(w.T, w.email, password)), 200)
	if session.Kind != kind || session.User.ID != w.id {
		w.Errorf("%s: a %s session of %s, expected %s of %s", what, session.Kind, session.User.ID, kind, w.id)
	}
	return session
}

func (w *week) oldLogIn(what string, s *servicetest.Service, password string) legacyPair {
	w.Helper()
	pair := pairOf(w.T, w.ask(what, s, 200, "POST", "/api/v1/auth/login", registerBody(w.T, w.email, password), "User-Agent", "old-client/1.0"), 200)
	if payloadOf(w.T, pair.AccessToken)["id"] != w.id.String() {
		w.Errorf("%s: the token is not of %s", what, w.id)
	}
	return pair
}

// known requires both instances to accept the token.
func (w *week) known(what, token, kind string) {
	w.Helper()
	for _, s := range []*servicetest.Service{w.first, w.second} {
		answer := w.ask(what, s, 200, "POST", "/v1/auth/verify-token", jsonOf(w.T, map[string]string{"token": token}))
		var body struct {
			Data struct {
				User  struct{ ID uuid.UUID }
				Token struct{ Kind string }
			}
		}
		if err := json.Unmarshal(answer.body, &body); err != nil || body.Data.User.ID != w.id || body.Data.Token.Kind != kind {
			w.Errorf("%s: %+v (%v), expected %s of %s", what, body.Data, err, kind, w.id)
		}
	}
	body := jsonOf(w.T, map[string]string{"token": token, "userId": w.id.String()})
	w.ask(what+", to a service that knows the old surface", w.second, 200, "POST", "/auth/verify-token", body)
}

func (w *week) row(provider, password string) {
	w.Helper()
	r := rowOf(w.T, w.stack, "id = $1", w.id)
	if *r.Provider != provider || *r.Status != "active" || *r.Balance != 0 || *r.Username != "Jane Doe" || r.Email != w.email {
		w.Errorf("the row is %s, %s, balance %d, %s; expected %s, active, untouched", *r.Provider, *r.Status, *r.Balance, *r.Username, provider)
	}
	if err := bcrypt.CompareHashAndPassword([]byte(*r.Hash), []byte(password)); err != nil {
		w.Errorf("A7: the local hash does not fit the password that counts: %v", err)
	}
	w.Logf("the row: %s, uid %v, hash of the password that counts", *r.Provider, orNone(r.FirebaseUID))
}

func orNone(s *string) string {
	if s == nil {
		return "none"
	}
	return *s
}

// ended requires refusal within a second (T5).
func (w *week) ended(what, token string) {
	w.Helper()
	for _, s := range []*servicetest.Service{w.first, w.second} {
		waitFor(w.T, time.Second, what+" ends", func() bool {
			status, code, _ := s.Verify(w.T, token)
			return status == http.StatusUnauthorized && code == "token_revoked"
		})
	}
	w.ask(what, w.second, 401, "GET", "/v1/auth/me", "", "Authorization", "Bearer "+token).expect(w.T, what, 401, "token_revoked")
}

func (w *week) atProvider(what, operation string, body map[string]any) string {
	w.Helper()
	answer := atFirebase(w.T, w.stack, operation, body)
	idToken, signedIn := answer["idToken"].(string)
	if !signedIn {
		w.Fatalf("%s: at Firebase, accounts:%s: %v", what, operation, answer)
	}
	w.Logf("%s: at Firebase, accounts:%s: done", what, operation)
	return idToken
}

func TestWeek_OnePersonInBothWorlds(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	w := &week{T: t, stack: stack, first: stack.Start(t, trusting), second: stack.Start(t, trusting), email: servicetest.Email()}
	const before, after = "TestPassword123", "ANewPassword456"
	sendNewUsers(t, w.first, "local")

	body := jsonOf(t, map[string]string{"email": w.email, "password": before, "displayName": "Jane Doe"})
	registered := sessionOf(t, w.ask("Monday, registers", w.first, 201, "POST", "/v1/auth/register", body), 201)
	w.id = registered.User.ID
	if registered.Kind != "legacy" {
		t.Errorf("R4: a %s session, expected legacy", registered.Kind)
	}
	w.row("local", before)
	old := w.oldLogIn("Monday, the old client", w.second, before)
	young := w.logIn("Monday, the new client", w.first, before, "legacy")
	for what, token := range map[string]string{"the registration's token": registered.IDToken, "the old client's": old.AccessToken, "the new client's": young.IDToken} {
		w.known("Monday, "+what, token, "legacy")
	}

	// Now the platform has proved the address; a local registration is no proof.
	execute(t, stack, "UPDATE auth.users SET provider_data = NULL WHERE id = $1", w.id)
	google, err := stack.Identity.SignIn(t.Context(), identity.User{Email: w.email, EmailVerified: true, DisplayName: "Jane D."}, "google.com")
	if err != nil {
		t.Fatal(err)
	}
	w.known("Tuesday, by Google with a verified address", google.IDToken, "firebase")
	w.row("hybrid", before)
	w.known("Tuesday, the old client is still there", old.AccessToken, "legacy")

	atFirebase := w.logIn("Wednesday, the old password at the new home", w.second, before, "firebase")
	w.known("Wednesday, its token", atFirebase.IDToken, "firebase")

	sdk := w.atProvider("Thursday, signs in with the SDK", "signInWithPassword", map[string]any{"email": w.email, "password": before, "returnSecureToken": true})
	w.atProvider("Thursday, changes the password there", "update", map[string]any{"idToken": sdk, "password": after, "returnSecureToken": true})
	for _, path := range []string{"/v1/auth/login", "/auth/login"} {
		w.ask("Thursday, the old password", w.first, 401, "POST", path, registerBody(t, w.email, before)).expect(t, path, 401, "invalid_credentials")
	}
	w.row("hybrid", before) // not synced yet, and the hash opens nothing

	fresh := w.logIn("Friday, the new password through us", w.first, after, "firebase")
	w.row("hybrid", after)
	for what, token := range map[string]string{"Monday's registration": registered.IDToken, "Monday's old client": old.AccessToken} {
		w.ended("Friday, T4: what began with the old password, "+what, token)
	}
	oldAgain := w.oldLogIn("Friday, the old client with the new password", w.second, after)
	w.known("Friday, the new client's token", fresh.IDToken, "firebase")
	w.known("Friday, the old client's", oldAgain.AccessToken, "legacy")

	old = pairOf(t, w.ask("Saturday, the old client refreshes", w.first, 200, "POST", "/api/v1/auth/refresh", refreshBody(t, oldAgain.RefreshToken)), 200)
	var tokens struct {
		Data struct{ IDToken, RefreshToken, Kind string }
	}
	answer := w.ask("Saturday, the new client refreshes", w.second, 200, "POST", "/v1/auth/refresh", refreshBody(t, fresh.RefreshToken))
	if err := json.Unmarshal(answer.body, &tokens); err != nil || tokens.Data.Kind != "firebase" {
		t.Errorf("the new client's refresh gave a %s pair (%v), expected firebase", tokens.Data.Kind, err)
	}
	w.known("Saturday, the old client's new token", old.AccessToken, "legacy")
	w.known("Saturday, the new client's", tokens.Data.IDToken, "firebase")
	for what, token := range map[string]string{"the old client": old.AccessToken, "the new client": tokens.Data.IDToken} {
		listed := sessionsIn(t, w.ask("Saturday, sessions, by "+what, w.second, 200, "GET", "/v1/auth/me/sessions", "", "Authorization", "Bearer "+token).body)
		current := slices.IndexFunc(listed, func(s session) bool { return s.Current })
		if len(listed) != 1 || (current >= 0) != (what == "the old client") || current >= 0 && *listed[current].UserAgent != "old-client/1.0" {
			t.Errorf("%s sees %d sessions, of which %d is its own; expected Friday's: those of the old password are over (T4)", what, len(listed), current)
		}
	}

	w.ask("Sunday, logs out", w.first, 200, "POST", "/v1/auth/logout", "", "Authorization", "Bearer "+tokens.Data.IDToken)
	for what, token := range map[string]string{
		"Monday's new client": young.IDToken, "Friday's old client": oldAgain.AccessToken,
		"Saturday's old client": old.AccessToken, "Google's": google.IDToken, "Wednesday's": atFirebase.IDToken,
		"Friday's new client": fresh.IDToken, "Saturday's new client": tokens.Data.IDToken,
	} {
		w.ended("Sunday, "+what, token)
	}
	for what, token := range map[string]string{
		"the old client's": old.RefreshToken, "Monday's": registered.RefreshToken, "the new client's": tokens.Data.RefreshToken,
	} {
		w.ask("Sunday, refreshing, "+what, w.second, 401, "POST", "/v1/auth/refresh", refreshBody(t, token)).expect(t, what, 401, "token_revoked")
	}
	w.known("Monday again", w.logIn("Monday again, the new client", w.second, after, "firebase").IDToken, "firebase")
	w.known("Monday again", w.oldLogIn("Monday again, the old client", w.first, after).AccessToken, "legacy")
	w.row("hybrid", after)
	if rows, accounts := countRows(t, stack, "email = $1", w.email), len(stack.Identity.Users()); rows != 1 || accounts != 1 {
		t.Errorf("after the week there are %d rows and %d accounts, expected one of each", rows, accounts)
	}
}
