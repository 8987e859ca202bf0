package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"auth-v2-service/internal/testkit/servicetest"
)

func hostile(t *testing.T, good string) map[string]string {
	t.Helper()
	fields := map[string]any{}
	if err := json.Unmarshal([]byte(good), &fields); err != nil {
		t.Fatal(err)
	}
	var name, text string
	for field, value := range fields {
		name, text = field, value.(string)
	}
	inner := good[1 : len(good)-1]
	value := func(raw string) string { return strings.Replace(good, jsonOf(t, text), raw, 1) }
	bodies := map[string]string{
		"an array": "[" + good + "]", "null": "null", "a number": "1", "a string": `"text"`, "true": "true",
		"an unknown field":         `{"admin":true,` + inner + `}`,
		"a field in other case":    `{"` + strings.ToUpper(name) + `":"x",` + inner + `}`,
		"a duplicate field":        `{"` + name + `":"first",` + inner + `}`,
		"an escaped duplicate":     `{"\u00` + hex(name[0]) + name[1:] + `":"first",` + inner + `}`,
		"trailing JSON":            good + good,
		"trailing text":            good + " x",
		"a trailing comma":         "{" + inner + ",}",
		"a comment":                "/* hello */" + good,
		"single quotes":            strings.ReplaceAll(good, `"`, `'`),
		"cut short":                good[:len(good)-1],
		"cut in a string":          good[:len(good)-2],
		"a byte order mark":        "\ufeff" + good,
		"an escaped NUL":           value(`"a\u0000b"`),
		"an escaped NUL in a name": `{"a\u0000b":1,` + inner + `}`,
		"a raw NUL":                value("\"a\x00b\""),
		"a raw line feed":          value("\"a\nb\""),
		"a lone high surrogate":    value(`"a\ud800b"`),
		"a lone low surrogate":     value(`"a\udc00b"`),
		"surrogates turned round":  value(`"\udc00\ud800"`),
		"invalid UTF-8":            value("\"a\xffb\""),
		"an overlong UTF-8":        value("\"a\xc0\xafb\""),
		"a null field":             value("null"),
		"a number field":           value("12345678"),
		"a huge number field":      value("1e999"),
		"a boolean field":          value("true"),
		"an array field":           value(`["` + text + `"]`),
		"an object field":          value(`{"$ne":""}`),
		"an empty field":           value(`""`),
		"deep arrays":              value(strings.Repeat("[", 30_000) + strings.Repeat("]", 30_000)),
		"deep objects":             value(strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000)),
		"deep and unclosed":        strings.Repeat("[", 60_000),
		"a form":                   "email=a%40example.com&password=TestPassword123",
		"XML":                      "<register/>",
		"only space":               "   ",
		"binary":                   "\x00\x01\x02\x03",
	}
	for field := range fields {
		rest := map[string]any{}
		for other, v := range fields {
			if other != field {
				rest[other] = v
			}
		}
		if field != "currentPassword" { // optional
			bodies["without "+field] = jsonOf(t, rest)
		}
	}
	return bodies
}

func hex(b byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&15]})
}

// fingerprint changes with every write to auth.users.
func fingerprint(t *testing.T, s *servicetest.Service) (sum string) {
	t.Helper()
	err := s.DB.QueryRow(t.Context(), "SELECT coalesce(md5(string_agg(u::text || u.xmin::text, ',' ORDER BY id)), '') FROM auth.users AS u").Scan(&sum)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func refusedAsBadInput(t *testing.T, what string, answer reply) {
	t.Helper()
	if answer.status < 400 || answer.status > 499 || answer.code() == "" || answer.status == 401 || answer.status == 403 {
		t.Errorf("%s answered %d %q, expected a 4xx about the request with the envelope\n%s", what, answer.status, answer.code(), answer.body)
	}
	if media := answer.header.Get("Content-Type"); media != "application/json" {
		t.Errorf("%s answered %q, expected application/json", what, media)
	}
}

func TestBadInput_HostileBodies(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	token := s.Person(t).IDToken
	before := fingerprint(t, s)
	for _, o := range taking {
		for what, body := range hostile(t, o.body) {
			if strings.HasPrefix(o.operation, "legacy") && (what == "an unknown field" || what == "a field in other case") {
				continue // the legacy surface ignores these
			}
			answer := ask(t, s, o.method, o.path, body, "Authorization", "Bearer "+token)
			refusedAsBadInput(t, o.operation+" with "+what, answer)
			if bytes.Contains(answer.body, []byte("TestPassword123")) {
				t.Errorf("%s with %s: the answer repeats the password", o.operation, what)
			}
		}
		if o.operation != "deleteMe" {
			refusedAsBadInput(t, o.operation+" without a body", ask(t, s, o.method, o.path, "", "Authorization", "Bearer "+token))
		}
	}
	if after := fingerprint(t, s); after != before {
		t.Error("bad input has written to auth.users")
	}
	if users := s.Identity.Users(); len(users) != 1 {
		t.Errorf("Firebase holds %d accounts, expected the 1 of before", len(users))
	}
	expectNoSecrets(t, s, token, servicetest.Password)
}

func TestBadInput_MediaTypes(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	token := s.Person(t).IDToken
	before := fingerprint(t, s)
	for _, o := range taking {
		for _, media := range []string{
			"", "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml",
			"application/problem+json", "application/json; charset=iso-8859-1", "application/json; charset=utf-16", "///", "application",
			"application/json, text/plain", "application/json; charset=utf-8; charset=latin1",
		} {
			ask(t, s, o.method, o.path, o.body, "Authorization", "Bearer "+token, "Content-Type", media).
				expect(t, o.operation+" as "+media, 415, "unsupported_media_type")
		}
		for _, coding := range []string{"gzip", "br", "deflate", "zstd"} {
			ask(t, s, o.method, o.path, gzipped(o.body), "Authorization", "Bearer "+token, "Content-Encoding", coding).
				expect(t, o.operation+" in "+coding, 415, "unsupported_media_type")
		}
	}
	if fingerprint(t, s) != before {
		t.Error("a body of another media type has written to auth.users")
	}
	for _, media := range []string{
		"application/json; charset=utf-8", "APPLICATION/JSON", "application/json;charset=UTF-8", "application/json; charset=utf8",
		"application/json;charset=UTF8", `application/json; charset="utf-8"`, `application/json; Charset="UTF8"`, "application/json;",
		"application/json; odata=verbose", `application/json; profile="https://example.com/a;b"; charset=utf8`,
	} {
		ask(t, s, "POST", "/v1/auth/verify-token", `{"token":"a.b.c"}`, "Content-Type", media).expect(t, media, 401, "token_invalid")
	}
}

func gzipped(body string) string {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write([]byte(body)) // a buffer does not fail
	_ = w.Close()
	return out.String()
}

func TestBadInput_BodyLimit(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	pad := func(size int) string {
		body := `{"token":"a.b.c"}`
		return body + strings.Repeat(" ", size-len(body))
	}
	for _, chunked := range []bool{false, true} {
		for size, status := range map[int]int{64 << 10: 401, 64<<10 + 1: 413, 1 << 20: 413} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/auth/verify-token", strings.NewReader(pad(size)))
			if err != nil {
				t.Fatal(err)
			}
			if chunked {
				request.Body, request.ContentLength = io.NopCloser(strings.NewReader(pad(size))), -1
			}
			request.Header.Set("Content-Type", "application/json")
			if answer := send(t, s, request); answer.status != status {
				t.Errorf("a body of %d bytes (chunked: %t) answered %d, expected %d", size, chunked, answer.status, status)
			}
		}
	}
}

// An operation without a body accepts an empty object. GET and HEAD ignore the body.
func TestBadInput_UnaskedBodies(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	token, operator := s.Person(t).IDToken, newAdmin(t, s.Stack)
	empty := []string{"{}", " { } ", "{\n}\r\n", "\t"}
	for _, body := range append([]string{
		"x", `{"all":true}`, "[]", "null", `""`, "{}{}", "{", "}", "{}x", "{" + strings.Repeat(" ", 100) + "}", strings.Repeat("x", 100<<10),
	}, empty...) {
		want, code := 400, "invalid_request"
		if slices.Contains(empty, body) {
			want, code = 404, "not_found"
		}
		for _, path := range []string{
			nobodyPath + "/reactivate", nobodyPath + "/revoke-tokens", nobodyPath + "/sync", "/v1/admin/jobs/42/retry",
		} {
			operator.ask(t, s, "POST", path, body).expect(t, path+" with "+body, want, code)
		}
		operator.ask(t, s, "DELETE", "/v1/auth/me/sessions/7b1f7b6e-3f0a-4f5e-9d55-0f3a4a3c2b1d", body).expect(t, "endSession with "+body, want, code)
		if want == 400 {
			for _, path := range []string{"/v1/auth/logout", "/v1/auth/email/verify"} {
				ask(t, s, "POST", path, body, "Authorization", "Bearer "+token).expect(t, path+" with "+body, 400, "invalid_request")
			}
		}
		ask(t, s, "GET", "/v1/auth/forward", body, "Authorization", "Bearer "+token).expect(t, "forward with a body", 200, "")
		ask(t, s, "GET", "/health/live", body, "Content-Type", "text/plain").expect(t, "live with a body", 200, "")
	}
	for _, media := range []string{"application/json", "application/json; charset=utf8", "text/plain", ""} {
		for _, body := range append(empty, "") {
			one := s.Person(t).IDToken
			header := []string{"Authorization", "Bearer " + one, "Content-Type", media}
			ask(t, s, "POST", "/v1/auth/logout", body, header...).expect(t, "logout with "+body+" as "+media, 200, "")
			ask(t, s, "GET", "/v1/auth/me", "", "Authorization", "Bearer "+one).expect(t, "me after it", 401, "token_revoked")
		}
	}
}

func TestBadInput_PathsAndMethods(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	for _, path := range []string{
		"/", "/v1", "/v1/auth", "/v1/auth/", "/v1/auth/register/", "/v1/auth//register", "/V1/auth/register", "/v1/auth/me/..", "/v1/auth/%6de/x",
		"/v1/auth/register%00", "/v1/auth/%ff", "/v2/auth/register", "/metrics", "/debug/pprof/", "/.git/config", "/health/", "/openapi.json",
		"/v1/auth/" + strings.Repeat("a", 8000), "/v1/admin/user",
	} {
		for _, method := range []string{"GET", "POST"} {
			ask(t, s, method, path, "").expect(t, method+" "+path, 404, "not_found")
		}
	}
	allow := map[string]string{
		"/v1/auth/register": "POST", "/v1/auth/login": "POST", "/v1/auth/refresh": "POST", "/v1/auth/logout": "POST",
		"/v1/auth/verify-token": "POST", "/v1/auth/me": "GET, HEAD, PATCH, DELETE", "/v1/auth/forward": "GET, HEAD",
		"/health": "GET, HEAD", "/health/live": "GET, HEAD", "/health/ready": "GET, HEAD", "/health/schema": "GET, HEAD",
		"/openapi.yaml": "GET, HEAD", "/docs": "GET, HEAD", "/v1/admin/rollout": "GET, HEAD, PUT", "/auth/me": "GET, HEAD", "/API/v1/auth/me/": "GET, HEAD",
	}
	for path, allowed := range allow {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			if strings.Contains(", "+allowed+", ", ", "+method+",") {
				continue
			}
			answer := ask(t, s, method, path, "")
			code := "method_not_allowed"
			if method == "HEAD" {
				code = ""
			}
			answer.expect(t, method+" "+path, 405, code)
			if got := answer.header.Get("Allow"); got != allowed {
				t.Errorf("%s %s: Allow is %q, expected %q (RFC 9110)", method, path, got, allowed)
			}
		}
	}
}

func TestBadInput_MutatedBodies(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	random := rand.New(rand.NewPCG(2026, 11))
	for i := range 1500 {
		o := taking[i%4] // without a credential
		body := mutate(random, o.body)
		answer := ask(t, s, o.method, o.path, body)
		if answer.status >= 500 || answer.status >= 400 && answer.code() == "" {
			t.Errorf("%s with %q answered %d\n%s", o.operation, body, answer.status, answer.body)
		}
	}
}

func mutate(random *rand.Rand, body string) string {
	out := []byte(body)
	for range 1 + random.IntN(4) {
		at := random.IntN(len(out))
		switch random.IntN(4) {
		case 0:
			out[at] = byte(random.IntN(256))
		case 1:
			out = append(out[:at:at], out[at+1:]...)
		case 2:
			out = append(out[:at:at], append([]byte{byte(random.IntN(256))}, out[at:]...)...)
		default:
			out = append(out[:at:at], append([]byte(`\u00`), out[at:]...)...)
		}
		if len(out) == 0 {
			return "x"
		}
	}
	return string(out)
}
