package e2e

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"auth-v2-service/internal/testkit/servicetest"
)

var oldUser = []string{"created_at", "email", "id", "is_active", "last_login", "token_balance", "updated_at", "user_type", "username"}

// fields returns the members' names, nested ones as "user.id".
func fields(t *testing.T, body []byte) []string {
	t.Helper()
	var decoded map[string]any
	if err := json.Unmarshal(body, &decoded); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	var names []string
	for name, value := range decoded {
		names = append(names, name)
		if inner, nested := value.(map[string]any); nested {
			for member := range inner {
				names = append(names, name+"."+member)
			}
		}
	}
	slices.Sort(names)
	return names
}

func withUser(members ...string) []string {
	out := append([]string{"user"}, members...)
	for _, field := range oldUser {
		out = append(out, "user."+field)
	}
	slices.Sort(out)
	return out
}

func TestLegacySurface_IsTheOldServices(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, map[string]string{"LEGACY_SUNSET": "2027-06-30"})
	for _, prefix := range []string{"/auth", "/api/v1/auth"} {
		t.Run(prefix, func(t *testing.T) {
			email := servicetest.Email()
			expect := func(what string, answer reply, status int, want []string) reply {
				t.Helper()
				if got := fields(t, answer.body); answer.status != status || !slices.Equal(got, want) {
					t.Errorf("%s answered %d with %v, expected %d with %v", what, answer.status, got, status, want)
				}
				if answer.header.Get("Deprecation") != "@1795478400" || answer.header.Get("Sunset") != "Wed, 30 Jun 2027 00:00:00 GMT" {
					t.Errorf("%s: Deprecation %q, Sunset %q", what, answer.header.Get("Deprecation"), answer.header.Get("Sunset"))
				}
				return answer
			}
			signedIn := withUser("accessToken", "message", "refreshToken", "success")
			// Unknown fields are ignored here.
			register := jsonOf(t, map[string]any{"email": email, "password": servicetest.Password, "username": "Old Client " + prefix, "age": 7})
			pairOf(t, expect("register", ask(t, s, "POST", prefix+"/register", register), 201, signedIn), 201)
			login := jsonOf(t, map[string]any{"email": email, "password": servicetest.Password, "remember": true})
			pair := pairOf(t, expect("login", ask(t, s, "POST", prefix+"/login", login), 200, signedIn), 200)
			if pair.User["email"] != email || pair.User["username"] != "Old Client "+prefix || pair.User["user_type"] != "user" {
				t.Errorf("login answered the user %v", pair.User)
			}
			refresh := jsonOf(t, map[string]any{"refreshToken": pair.RefreshToken, "device": "old"})
			pair = pairOf(t, expect("refresh", ask(t, s, "POST", prefix+"/refresh", refresh), 200,
				[]string{"accessToken", "message", "refreshToken", "success"}), 200)
			bearer := "Bearer " + pair.AccessToken
			id, _ := payloadOf(t, pair.AccessToken)["id"].(string)
			for _, body := range []map[string]any{{"token": pair.AccessToken}, {"token": pair.AccessToken, "userId": id, "x": 1}} {
				expect("verify-token", ask(t, s, "POST", prefix+"/verify-token", jsonOf(t, body)), 200, withUser("success"))
			}
			other := ask(t, s, "POST", prefix+"/verify-token", jsonOf(t, map[string]any{"token": pair.AccessToken, "userId": newUID()}))
			other.expect(t, "verify-token for another user", 401, "token_invalid")
			expect("me", ask(t, s, "GET", prefix+"/me", "", "Authorization", bearer), 200, withUser("success"))
			expect("logout", ask(t, s, "POST", prefix+"/logout", `{"refreshToken":"whatever old clients send"}`, "Authorization", bearer),
				200, []string{"message", "success"})
			ask(t, s, "GET", prefix+"/me", "", "Authorization", bearer).expect(t, "me after logout", 401, "token_revoked")
			ask(t, s, "POST", prefix+"/refresh", jsonOf(t, map[string]any{"refreshToken": pair.RefreshToken})).
				expect(t, "refresh after logout", 401, "token_revoked")
		})
	}
	expectCounted(t, s, `auth_legacy_requests_total{http_route="/api/v1/auth/login",user_agent_name="Go-http-client"}`)
}

// The claims that platform services decode.
func TestLegacySurface_TheAccessTokenIsTheOldOne_T8(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password)
	claims := payloadOf(t, legacyLogin(t, s, email, servicetest.Password).AccessToken)
	if claims["id"] != id.String() || claims["email"] != email || claims["user_type"] != "user" {
		t.Errorf("the token claims %v", claims)
	}
	life := claims["exp"].(float64) - claims["iat"].(float64)
	if life != 3600 {
		t.Errorf("it lives %v s, expected an hour", life)
	}
	names := slices.Sorted(maps.Keys(claims))
	if want := []string{"auth_time", "email", "exp", "iat", "id", "sid", "user_type"}; !slices.Equal(names, want) {
		t.Errorf("it has %v, expected %v", names, want)
	}
}

func TestLegacySurface_Off(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	email := servicetest.Email()
	id := localUser(t, stack, email, servicetest.Password)
	on := stack.Start(t)
	pair := legacyLogin(t, on, email, servicetest.Password)
	s := stack.Start(t, map[string]string{"LEGACY_TOKENS": "off", "LEGACY_EMAIL_VERIFIED": "trust"})
	for _, prefix := range []string{"/auth", "/api/v1/auth"} {
		for _, name := range []string{"register", "login", "refresh", "logout", "verify-token"} {
			askRaw(t, s, http.MethodPost, prefix+"/"+name, `{}`).expect(t, prefix+"/"+name, 404, "not_found")
		}
		askRaw(t, s, http.MethodGet, prefix+"/me", "").expect(t, prefix+"/me", 404, "not_found")
	}
	expectRefusal(t, s, "a legacy token", pair.AccessToken, 401, "token_invalid")
	ask(t, s, "POST", "/v1/auth/refresh", jsonOf(t, map[string]string{"refreshToken": pair.RefreshToken})).expect(t, "refresh", 401, "token_invalid")
	if session := newLogin(t, s, email, servicetest.Password); session.Kind != "firebase" || session.User.ID != id {
		t.Errorf("the sign-in answered %s of %s, expected firebase of %s", session.Kind, session.User.ID, id)
	}
}

func expectCounted(t *testing.T, s *servicetest.Service, series string) {
	t.Helper()
	response, err := http.Get(s.MetricsURL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if !strings.Contains(readAll(t, response.Body), series) {
		t.Errorf("no metric %s", series)
	}
}
