package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

func TestLogin_OneAnswerOnOneBeat_A3(t *testing.T) {
	t.Parallel()
	const beat = 400 * time.Millisecond
	s := servicetest.Start(t, map[string]string{"LOGIN_FAILURE_MS": "400"})
	session := s.Person(t)
	local := servicetest.Email()
	localPerson(t, s.Stack, local)
	disabled := s.Person(t)
	s.Identity.SetDisabled(disabled.UID, true)
	answers := map[string]bool{}
	for what, body := range map[string]string{
		"a wrong password":        registerBody(t, *session.Email, "WrongPassword1"),
		"an unknown e-mail":       registerBody(t, "nobody@example.com", servicetest.Password),
		"no e-mail at all":        registerBody(t, "not an address", servicetest.Password),
		"an address beyond ASCII": registerBody(t, "jäne@example.com", servicetest.Password),
		"a local row":             registerBody(t, local, servicetest.Password),
		"a disabled account":      registerBody(t, *disabled.Email, servicetest.Password),
		"a placeholder address":   registerBody(t, session.UID+"@users.noreply.invalid", servicetest.Password),
		"a short password":        registerBody(t, *session.Email, "x"),
		"an endless password":     registerBody(t, *session.Email, strings.Repeat("x", 5000)),
	} {
		began := time.Now()
		answer := ask(t, s, "POST", "/v1/auth/login", body, "X-Request-Id", "one-answer")
		took := time.Since(began)
		answer.expect(t, "login with "+what, 401, "invalid_credentials")
		if took < beat {
			t.Errorf("login with %s was refused after %s, expected no sooner than %s", what, took, beat)
		}
		header := answer.header.Clone()
		header.Del("Date")
		answers[string(answer.body)+jsonOf(t, header)] = true
	}
	if len(answers) != 1 {
		t.Errorf("A3: there were %d different answers, expected one: %v", len(answers), answers)
	}
}

// A6: 8 characters at least, 72 bytes at most. Login has no such rule.
func TestRegister_PasswordBoundaries_A6(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	for what, c := range map[string]struct {
		password string
		good     bool
	}{
		"7 characters":               {"Passwor", false},
		"8 characters":               {"Password", true},
		"7 characters of 4 bytes":    {strings.Repeat("😀", 7), false},
		"8 characters of 4 bytes":    {strings.Repeat("😀", 8), true},
		"18 characters of 4 bytes":   {strings.Repeat("😀", 18), true},
		"18 of 4 bytes and one more": {strings.Repeat("😀", 18) + "x", false},
		"72 bytes":                   {strings.Repeat("x", 72), true},
		"73 bytes":                   {strings.Repeat("x", 73), false},
		"70 bytes and a 3 byte one":  {strings.Repeat("x", 70) + "€", false},
		"8 spaces":                   {strings.Repeat(" ", 8), true},
		"spaces at both ends":        {"  pass word  ", true},
	} {
		email := servicetest.Email()
		answer := ask(t, s, "POST", "/v1/auth/register", registerBody(t, email, c.password))
		if !c.good {
			answer.expect(t, "register with "+what, 422, "weak_password")
			if countRows(t, s.Stack, "email = $1", email) != 0 {
				t.Errorf("%s: a refused registration left its row", what)
			}
			continue
		}
		answer.expect(t, "register with "+what, 201, "")
		ask(t, s, "POST", "/v1/auth/login", registerBody(t, email, c.password)).expect(t, "login with "+what, 200, "")
		if other := c.password[:len(c.password)-1]; utf8.ValidString(other) {
			ask(t, s, "POST", "/v1/auth/login", registerBody(t, email, other)).expect(t, "login with less than "+what, 401, "invalid_credentials")
		}
	}
}

func TestRegister_OneAddressOnePerson_F2(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	ask(t, s, "POST", "/v1/auth/register", registerBody(t, "  Jane.Doe@Example.COM\t", servicetest.Password)).expect(t, "register", 201, "")
	if countRows(t, s.Stack, "email = 'jane.doe@example.com'") != 1 {
		t.Error("F2: the row's e-mail is not canonical")
	}
	ask(t, s, "POST", "/v1/auth/register", registerBody(t, "jane.doe@example.com", "AnotherPassword1")).expect(t, "the same address", 409, "email_taken")
	ask(t, s, "POST", "/v1/auth/login", registerBody(t, "JANE.DOE@EXAMPLE.COM", servicetest.Password)).expect(t, "login in capitals", 200, "")
	for _, address := range []string{
		"jane", "jane@", "@example.com", "jane@@example.com", "jane doe@example.com", "jäne@example.com", "jane@exämple.com",
		"Jane <jane@example.com>", "jane@example.com,joe@example.com", `"jane"@example.com`, "jane@[127.0.0.1]",
		"x@users.noreply.invalid", "X@USERS.NOREPLY.INVALID", strings.Repeat("a", 250) + "@example.com", "jane@example.com\u200b", "jane@example.com\u212a",
	} {
		ask(t, s, "POST", "/v1/auth/register", registerBody(t, address, servicetest.Password)).expect(t, "register "+address, 400, "invalid_request")
	}
	if rows := countRows(t, s.Stack, "true"); rows != 1 {
		t.Errorf("there are %d rows, expected 1", rows)
	}
}

func TestRegister_DisplayNames_F4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	long := strings.Repeat("ä", 256)
	for name, username := range map[string]string{
		"Jane Doe":               "Jane Doe",
		"  Jane  ":               "Jane",
		"Jose\u0301":             "José",
		"Jane\u202eenaJ":         "JaneenaJ",
		"Ja\tno\n":               "Jano",
		"李小龍":                    "李小龍",
		"😀👩‍👩‍👧":                 "😀👩\u200d👩\u200d👧",
		"'; DROP TABLE users;--": "'; DROP TABLE users;--",
		long:                     strings.Repeat("ä", 100),
		"\u200b\u2060":           "",
		"   ":                    "",
		"":                       "",
	} {
		answer, err := s.API.RegisterWithResponse(t.Context(), client.RegisterInput{
			Email: servicetest.Email(), Password: servicetest.Password, DisplayName: &name,
		})
		if err != nil || answer.JSON201 == nil {
			t.Errorf("F4: register with the display name %q: %v %s", name, err, answer.Body)
			continue
		}
		got := ""
		if answer.JSON201.Data.User.Username != nil {
			got = *answer.JSON201.Data.User.Username
		}
		if got != username {
			t.Errorf("F4: the display name %q became the username %q, expected %q", name, got, username)
		}
	}
	ask(t, s, "POST", "/v1/auth/register", jsonOf(t, map[string]string{
		"email": servicetest.Email(), "password": servicetest.Password, "displayName": strings.Repeat("x", 257),
	})).expect(t, "257 characters", 400, "invalid_request")
}

func TestUsername_Rules(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	session, other := s.Person(t), s.Person(t)
	rename := func(token, name string) reply {
		return ask(t, s, "PATCH", "/v1/auth/me", jsonOf(t, map[string]string{"username": name}), "Authorization", "Bearer "+token)
	}
	for _, name := range []string{"jane", "Jane", "jane doe", "jänë", "李小龍", "😀", strings.Repeat("ä", 100), "jane"} {
		rename(session.IDToken, name).expect(t, "the username "+name, 200, "")
		if got := me(t, s, session.IDToken).Username; got == nil || *got != name {
			t.Errorf("the username is %v after typing %q", got, name)
		}
	}
	for _, name := range []string{
		"", " ", " jane", "jane ", "ja\tne", "ja\nne", "ja\u202ene", "\u200b", strings.Repeat("x", 101), "ja\u2028ne", "ja\ufeffne", "\u00a0jane",
	} {
		rename(session.IDToken, name).expect(t, "the username "+name, 400, "invalid_request")
	}
	rename(other.IDToken, "jane").expect(t, "somebody else's username", 409, "username_taken")
	rename(other.IDToken, "Jose\u0301").expect(t, "a decomposed username", 200, "")
	rename(session.IDToken, "Jos\u00e9").expect(t, "the same, composed", 409, "username_taken")
	if status, _, user := s.Verify(t, session.IDToken); status != 200 || user.Username == nil || *user.Username != "jane" {
		t.Errorf("verify-token shows %v, expected the new username at once", user.Username)
	}
}

func TestDelete_NeedsRecentSignInOrPassword_A10(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	session := s.Person(t)
	stale := staleToken(t, s, session.UID, *session.Email)
	remove := func(body string) reply {
		return ask(t, s, "DELETE", "/v1/auth/me", body, "Authorization", "Bearer "+stale)
	}
	remove("").expect(t, "a session of an hour ago", 401, "reauth_required")
	remove("{}").expect(t, "a session of an hour ago and nothing", 401, "reauth_required")
	remove(`{"currentPassword":"WrongPassword1"}`).expect(t, "a wrong password", 401, "invalid_credentials")
	if _, found := s.Identity.User(session.UID); !found {
		t.Fatal("the account is gone after refusals")
	}
	me(t, s, session.IDToken)
	remove(`{"currentPassword":"`+servicetest.Password+`"}`).expect(t, "the password", 200, "")
	if _, found := s.Identity.User(session.UID); found {
		t.Error("the account is still at Firebase")
	}
	if rows := countRows(t, s.Stack, "true"); rows != 0 {
		t.Errorf("there are %d rows, expected none", rows)
	}
	expectNoSecrets(t, s, stale, servicetest.Password, "WrongPassword1", *session.Email)
}

func TestDelete_PhoneUserWithoutPasswordMustSignInAgain_A10(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	now := time.Now()
	claims := map[string]any{
		"sub": "phone-user-0000000000000001", "phone_number": "+6281234567890", "auth_time": now.Add(-6 * time.Minute).Unix(),
		"firebase": map[string]any{"sign_in_provider": "phone", "identities": map[string]any{"phone": []string{"+6281234567890"}}},
	}
	token, err := s.Identity.Mint(claims, identity.MintOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ask(t, s, "DELETE", "/v1/auth/me", `{"currentPassword":"TestPassword123"}`, "Authorization", "Bearer "+token).
		expect(t, "a person without an e-mail", 401, "reauth_required")
	claims["auth_time"] = now.Add(-4 * time.Minute).Unix()
	if token, err = s.Identity.Mint(claims, identity.MintOptions{}); err != nil {
		t.Fatal(err)
	}
	ask(t, s, "DELETE", "/v1/auth/me", "", "Authorization", "Bearer "+token).expect(t, "a sign-in of 4 minutes ago", 200, "")
}

func TestDelete_TokensAreRevokedEverywhere_F10(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	one, other := stack.Start(t), stack.Start(t)
	session := one.Person(t)
	second := stack.Token(t, identityUser(*session.Email), "password") // no instance has seen it
	for _, s := range []*servicetest.Service{one, other} {
		if status, code, _ := s.Verify(t, session.IDToken); status != 200 {
			t.Fatalf("before the deletion verify-token answered %d %s", status, code)
		}
	}
	ask(t, one, "DELETE", "/v1/auth/me", "", "Authorization", "Bearer "+session.IDToken).expect(t, "delete", 200, "")
	eventually(t, "T5: the other instance knows", func() bool {
		status, code, _ := other.Verify(t, session.IDToken)
		return status == http.StatusUnauthorized && code == "token_revoked"
	})
	for _, token := range []string{session.IDToken, second} {
		for _, s := range []*servicetest.Service{one, other} {
			if status, code, _ := s.Verify(t, token); status != 401 || code != "token_revoked" {
				t.Errorf("F10: a token of a deleted account answered %d %s, expected 401 token_revoked", status, code)
			}
		}
	}
	ask(t, other, "DELETE", "/v1/auth/me", "", "Authorization", "Bearer "+session.IDToken).expect(t, "deleting twice", 401, "token_revoked")
	ask(t, other, "POST", "/v1/auth/refresh", jsonOf(t, map[string]string{"refreshToken": session.RefreshToken})).expect(t, "refresh", 401, "token_invalid")
	if rows := countRows(t, stack, "true"); rows != 0 {
		t.Errorf("F10: there are %d rows, expected none", rows)
	}
	again, err := one.API.RegisterWithResponse(t.Context(), client.RegisterInput{Email: *session.Email, Password: servicetest.Password})
	if err != nil || again.JSON201 == nil {
		t.Fatalf("the address cannot be registered again: %v %s", err, again.Body)
	}
	if again.JSON201.Data.UID == session.UID {
		t.Error("the new account has the uid of the deleted one")
	}
}

// Firebase deletes the account first, so a failure there changes nothing here.
func TestDelete_FirebaseAwayChangesNothing(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	session := s.Person(t)
	fault(t, s, identity.Fault{Match: "accounts:delete", Kind: identity.FaultUnavailable})
	remove := func() reply {
		return ask(t, s, "DELETE", "/v1/auth/me", "", "Authorization", "Bearer "+session.IDToken)
	}
	remove().expect(t, "delete while Firebase is away", 503, "dependency_unavailable")
	me(t, s, session.IDToken)
	s.Identity.ClearFaults()
	fault(t, s, identity.Fault{Match: "accounts:delete", Kind: identity.FaultCut, After: true, Count: 1})
	remove().expect(t, "delete whose answer is lost", 503, "dependency_unavailable")
	remove().expect(t, "delete once more", 200, "")
	if rows := countRows(t, s.Stack, "true"); rows != 0 {
		t.Errorf("there are %d rows, expected none", rows)
	}
}

func TestErrors_NameFieldsAndRepeatNoValue(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	for field, body := range map[string]string{
		"email":       `{"email":12345678,"password":"TestPassword123"}`,
		"password":    `{"email":"jane@example.com"}`,
		"displayName": `{"email":"jane@example.com","password":"TestPassword123","displayName":["Mallory"]}`,
	} {
		answer := ask(t, s, "POST", "/v1/auth/register", body)
		answer.expect(t, field, 400, "invalid_request")
		var envelope client.Failure
		if err := json.Unmarshal(answer.body, &envelope); err != nil || envelope.Errors == nil {
			t.Errorf("the field at fault is not named: %v %s", err, answer.body)
			continue
		}
		named := slices.ContainsFunc(*envelope.Errors, func(e client.FieldError) bool { return e.Field == field })
		if !named {
			t.Errorf("the errors %+v do not name %s", *envelope.Errors, field)
		}
		for _, value := range []string{"12345678", "TestPassword123", "jane@example.com", "Mallory"} {
			if strings.Contains(string(answer.body), value) {
				t.Errorf("the answer repeats what was sent: %s", answer.body)
			}
		}
	}
}
