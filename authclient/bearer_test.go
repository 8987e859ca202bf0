package authclient_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"auth-v2-service/authclient"
)

func TestCredential_RefusedUnasked(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		headers []string
		status  int
		code    string
	}{
		{"none", nil, 401, "token_missing"},
		{"an empty header", []string{""}, 401, "token_missing"},
		{"Basic", []string{"Basic amFuZTpzZWNyZXQ="}, 401, "token_missing"},
		{"Digest with parameters", []string{`Digest username="jane", realm="x"`}, 401, "token_missing"},
		{"the scheme alone", []string{"Bearer"}, 401, "token_missing"},
		{"the scheme and spaces", []string{"Bearer   "}, 401, "token_missing"},
		{"no scheme", []string{token}, 401, "token_missing"},
		{"another scheme that begins so", []string{"BearerX " + token}, 401, "token_missing"},
		{"two headers", []string{"Bearer " + token, "Bearer " + token}, 400, "invalid_request"},
		{"two headers, one Basic", []string{"Basic x", "Bearer " + token}, 400, "invalid_request"},
		{"two headers, one empty", []string{"", "Bearer " + token}, 400, "invalid_request"},
		{"two in one header", []string{"Bearer " + token + ", Bearer " + token}, 400, "invalid_request"},
		{"two in one header, without a space", []string{"Bearer " + token + ",Bearer " + token}, 400, "invalid_request"},
		{"two tokens", []string{"Bearer " + token + "," + token}, 400, "invalid_request"},
		{"Basic and Bearer in one header", []string{"Basic x, Bearer " + token}, 400, "invalid_request"},
		{"two tokens and a space", []string{"Bearer " + token + " " + token}, 401, "token_invalid"},
		{"a quotation mark", []string{`Bearer a"b`}, 401, "token_invalid"},
		{"JSON", []string{`Bearer a"}`}, 401, "token_invalid"},
		{"beyond ASCII", []string{"Bearer é"}, 401, "token_invalid"},
		{"padding alone", []string{"Bearer =="}, 401, "token_invalid"},
		{"padding inside", []string{"Bearer a=b"}, 401, "token_invalid"},
		{"over 8 KiB", []string{"Bearer " + strings.Repeat("x", 8<<10+1)}, 401, "token_invalid"},
	}
	s := newService(t, says(200, good))
	for _, c := range cases {
		g := newGate(t, authclient.Options{BaseURL: s.URL})
		a := g.askWith(t, c.headers...)
		a.expect(t, g, c.name, c.status, c.code)
		want := map[string]string{"token_missing": "Bearer", "token_invalid": `Bearer error="invalid_token"`}[c.code]
		if got := a.Header().Get("WWW-Authenticate"); got != want {
			t.Errorf("%s: WWW-Authenticate is %q, expected %q", c.name, got, want)
		}
		if a.result.Outcome != authclient.Refused || a.result.Attempts != 0 || a.result.Err != nil {
			t.Errorf("%s: OnVerify heard %+v, expected a refusal without asking", c.name, a.result)
		}
	}
	if n := s.asked.Load(); n != 0 {
		t.Errorf("the service was asked %d times", n)
	}
}

func TestCredential_Asked(t *testing.T) {
	t.Parallel()
	var got struct{ Token string }
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(body, &got) != nil {
			t.Errorf("the question is %q, %v", body, err)
		}
		if r.Method != http.MethodPost || r.URL.Path != "/below/v1/auth/verify-token" || r.URL.RawQuery != "" ||
			r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" {
			t.Errorf("asked %s %s with %v", r.Method, r.URL, r.Header)
		}
		says(200, good)(w, r)
	})
	for header, want := range map[string]string{
		"Bearer " + token:                      token,
		"bearer " + token:                      token,
		"BEARER   " + token + "  ":             token,
		"Bearer a":                             "a",
		"Bearer -._~+/09azAZ==":                "-._~+/09azAZ==",
		"Bearer " + strings.Repeat("x", 8<<10): strings.Repeat("x", 8<<10),
	} {
		g := newGate(t, authclient.Options{BaseURL: s.URL + "/below/"})
		g.askWith(t, header).expectPassed(t, g, header[:8], 1)
		if got.Token != want {
			t.Errorf("%q was asked as %q", header, got.Token)
		}
	}
}
