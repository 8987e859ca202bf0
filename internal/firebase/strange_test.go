package firebase_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
)

func jwtOf(claims string) string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"RS256"}`)) + "." + part([]byte(claims)) + "." + part([]byte("signature"))
}

func TestStrangeAnswers_AreUnavailable(t *testing.T) {
	t.Parallel()
	const page = `<!DOCTYPE html><html><body>Sign in to the network</body></html>`
	for name, strange := range map[string]struct {
		status int
		body   string
	}{
		"301":                   {301, ""},
		"302":                   {302, page},
		"307":                   {307, ""},
		"304":                   {304, ""},
		"400 HTML":              {400, page},
		"401":                   {401, ""},
		"401 HTML":              {401, page},
		"401 JSON":              {401, `{"error":{"code":401,"message":"Request had invalid authentication credentials.","status":"UNAUTHENTICATED"}}`},
		"403 HTML":              {403, page},
		"403 JSON":              {403, `{"error":{"code":403,"message":"The caller does not have permission","status":"PERMISSION_DENIED"}}`},
		"404 HTML":              {404, page},
		"404 JSON":              {404, `{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND"}}`},
		"405":                   {405, ""},
		"407 proxy":             {407, page},
		"410":                   {410, ""},
		"413 HTML":              {413, page},
		"418":                   {418, ""},
		"451":                   {451, page},
		"400 unknown code":      {400, `{"error":{"code":400,"message":"CONFIGURATION_NOT_FOUND"}}`},
		"400 array":             {400, `[]`},
		"400 error of a string": {400, `{"error":"invalid"}`},
		"400 null":              {400, `null`},
		"500 HTML":              {500, page},
		"502 HTML":              {502, page},
		"504 HTML":              {504, page},
		"520":                   {520, ""},
		"200 HTML":              {200, page},
		"200 null":              {200, "null"},
		"200 nothing":           {200, ""},
		"200 array":             {200, "[]"},
		"200 string":            {200, `"ok"`},
		"200 number":            {200, "1"},
		"200 cut JSON":          {200, `{"localId":"uid-of-jane"`},
		"200 two values":        {200, everything + everything},
		"200 wrong types":       {200, `{"localId":1,"users":"x","idToken":[],"refreshToken":{},"expiresIn":"soon","email":7,"error":1,"errors":1,"id_token":1}`},
		"204":                   {204, ""},
		"206":                   {206, page},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyOperation(t, func(t *testing.T, operation string, run func(context.Context, *firebase.Client) error) {
				if name == "200 wrong types" && slices.Contains([]string{"delete_user", "send_password_reset", "send_email_verification"}, operation) {
					return
				}
				g := newGoogle(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", "/elsewhere")
					w.WriteHeader(strange.status)
					_, _ = io.WriteString(w, strange.body)
				})
				err := run(t.Context(), g.client(t))
				var f *fault.Error
				if !errors.As(err, &f) || f.Code != fault.DependencyUnavailable || f.RetryAfter <= 0 {
					t.Fatalf("got %v, want dependency_unavailable with advice", err)
				}
				holdsNoSecret(t, err)
			})
		})
	}
}

func TestStrangeSuccesses_AreUnavailable(t *testing.T) {
	t.Parallel()
	session := func(idToken string) string {
		return fmt.Sprintf(`{"localId":"uid-of-jane","idToken":%[1]q,"refreshToken":"r","expiresIn":"3600",
			"users":[{"localId":"uid-of-jane"}],"id_token":%[1]q,"refresh_token":"r","expires_in":"3600","user_id":"uid-of-jane"}`, idToken)
	}
	signIns := []string{"sign_in", "refresh", "sign_in_as", "finish_sign_in"}
	changes := []string{"create_user", "set_password", "set_disabled", "set_email", "set_state"}
	for name, strange := range map[string]struct {
		operations []string
		body       string
	}{
		"nothing":                  {append(append([]string{"reset_password", "confirm_email"}, signIns...), changes...), `{}`},
		"token is a word":          {signIns, session("garbage")},
		"token is three words":     {signIns, session("a.b.c")},
		"token's claims are null":  {signIns, session(jwtOf("null"))},
		"token's claims are text":  {signIns, session(jwtOf("hello"))},
		"token of another project": {signIns, session(jwtOf(`{"sub":"uid-of-jane","aud":"other","iat":1000,"exp":4600}`))},
		"token of nobody":          {signIns, session(jwtOf(`{"aud":"demo-test","iat":1000,"exp":4600}`))},
		"token of another account": {[]string{"sign_in", "refresh", "sign_in_as"}, session(jwtOf(`{"sub":"joe","aud":"demo-test","iat":1000,"exp":4600}`))},
		"token without a life":     {[]string{"finish_sign_in"}, session(jwtOf(`{"sub":"uid-of-jane","aud":"demo-test"}`))},
		"another account":          {changes, `{"localId":"uid-of-joe","email":"joe@example.com"}`},
	} {
		for _, operation := range strange.operations {
			t.Run(name+"/"+operation, func(t *testing.T) {
				t.Parallel()
				err := operations[operation](t.Context(), newGoogle(t, answer(strange.body)).client(t))
				if operation == "sign_in_as" && name == "nothing" {
					if !errors.Is(err, firebase.ErrUserNotFound) {
						t.Errorf("got %v, want ErrUserNotFound: an answer without users says that there is none", err)
					}
					return
				}
				var f *fault.Error
				if !errors.As(err, &f) || f.Code != fault.DependencyUnavailable || f.RetryAfter <= 0 {
					t.Errorf("got %v, want dependency_unavailable with advice", err)
				}
				holdsNoSecret(t, err)
			})
		}
	}
}

// T2.
func TestRefresh_AnotherTenantsTokenIsTheCallersFault(t *testing.T) {
	t.Parallel()
	token := jwtOf(`{"sub":"uid-of-jane","aud":"demo-test","iat":1000,"exp":4600,"firebase":{"tenant":"t-2"}}`)
	body := fmt.Sprintf(`{"id_token":%q,"refresh_token":"r","expires_in":"3600","user_id":"uid-of-jane"}`, token)
	_, err := newGoogle(t, answer(body)).client(t).Refresh(t.Context(), refreshToken)
	if !errors.Is(err, firebase.ErrInvalidRefreshToken) {
		t.Errorf("got %v, want ErrInvalidRefreshToken", err)
	}
}

func TestAccounts_AreCleaned(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 3000)
	account := `{"localId":"uid-of-jane","email":"jane\u0000@example.com","displayName":"Ja\u0000ne \ud800","phoneNumber":"+4\u00009",
		"photoUrl":"https://example.com/` + long + `","providerUserInfo":[{"providerId":"pass\u0000word"}]}`
	client := newGoogle(t, answer(`{"users":[`+account+`]}`)).client(t)
	one, err := client.User(t.Context(), "uid-of-jane")
	if err != nil {
		t.Fatal(err)
	}
	listed, _, err := client.List(t.Context(), "")
	if err != nil || len(listed) != 1 {
		t.Fatalf("listed %v, %v", listed, err)
	}
	for how, got := range map[string]firebase.User{"looked up": one, "listed": listed[0]} {
		if got.Email != "jane@example.com" || got.DisplayName != "Jane \ufffd" || got.Phone != "+49" || got.Providers[0] != "password" {
			t.Errorf("%s: %+v", how, got)
		}
		if !strings.HasPrefix(got.PhotoURL, "https://example.com/ä") || len(got.PhotoURL) > 2048 || strings.Contains(got.PhotoURL, "\ufffd") {
			t.Errorf("%s: the photo's address has %d bytes, and ends in %q", how, len(got.PhotoURL), got.PhotoURL[len(got.PhotoURL)-4:])
		}
	}
}
