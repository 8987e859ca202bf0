package authclient_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"auth-v2-service/authclient"
)

func TestMiddleware_TheUserIsInTheContext(t *testing.T) {
	t.Parallel()
	moment := func(hour int) time.Time { return time.Date(2026, 1, 2, hour, 4, 5, 0, time.UTC) }
	jane := authclient.User{
		ID: "7b1f7b6e-3f0a-4f5e-9d55-0f3a4a3c2b1d", FirebaseUID: "jane-at-firebase", Email: "jane@example.com", Username: "Jane Doe",
		UserType: "user", IsActive: true, TokenBalance: 7,
		Token: authclient.Token{Kind: "firebase", IssuedAt: moment(3), ExpiresAt: moment(4)},
	}
	bare := jane
	bare.FirebaseUID, bare.Email, bare.Username, bare.Token.Kind = "", "", "", "legacy"
	nulls := strings.NewReplacer(`"jane-at-firebase"`, "null", `"jane@example.com"`, "null", `"Jane Doe"`, "null", `"firebase"`, `"legacy"`).Replace(good)
	for body, want := range map[string]authclient.User{
		good: jane, nulls: bare, replaced(`"success"`, `"new":{"a":[1]},"success"`): jane, // unknown fields are allowed
	} {
		s := newService(t, says(200, body, "Content-Type", "application/json; charset=utf-8"))
		g := newGate(t, authclient.Options{BaseURL: s.URL})
		a := g.askWith(t, "Bearer "+token)
		a.expectPassed(t, g, "a good token", 1)
		if got, ok := authclient.UserFrom(g.seen.Load().Context()); !ok || got != want {
			t.Errorf("the handler sees %+v, expected %+v", got, want)
		}
		if a.result.Attempts != 1 || a.result.Status != 200 || a.result.Code != "" || a.result.RequestID == "" || a.result.Duration <= 0 {
			t.Errorf("OnVerify heard %+v", a.result)
		}
	}
	encoded, err := json.Marshal(bare)
	if want := `{"id":"7b1f7b6e-3f0a-4f5e-9d55-0f3a4a3c2b1d","user_type":"user","is_active":true,"token_balance":7,"token":{"kind":"legacy",` +
		`"issued_at":"2026-01-02T03:04:05Z","expires_at":"2026-01-02T04:04:05Z"},"firebase_uid":null,"email":null,"username":null}`; err != nil || string(encoded) != want {
		t.Errorf("somebody without names is %s, %v", encoded, err)
	}
}

func TestMiddleware_RefusalsAreTheServices(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status               int
		code, said, expected string
	}{
		{401, "token_invalid", `Bearer error="invalid_token"`, `Bearer error="invalid_token"`},
		{401, "token_expired", `Bearer error="invalid_token"`, `Bearer error="invalid_token"`},
		{401, "token_revoked", "", `Bearer error="invalid_token"`},
		{401, "mfa_required", "Bearer", "Bearer"},
		{401, "token_revoked", `Basic realm="proxy"`, `Bearer error="invalid_token"`},
		{403, "account_deactivated", "", ""},
		{409, "account_link_required", "", ""},
		{409, "identity_conflict", "", ""},
		{422, "unsupported_identity", "", ""},
	} {
		body := fmt.Sprintf(`{"success":false,"message":"Words for %s","code":%q,"request_id":"theirs","errors":[{"field":"a","message":"b"}]}`, c.code, c.code)
		s := newService(t, says(c.status, body, "WWW-Authenticate", c.said))
		g := newGate(t, authclient.Options{BaseURL: s.URL})
		a := g.askWith(t, "Bearer "+token)
		a.expect(t, g, c.code, c.status, c.code)
		if *a.body.Message != "Words for "+c.code || a.Header().Get("WWW-Authenticate") != c.expected || a.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: answered %s with %v", c.code, a.Body, a.Header())
		}
		if a.result.Outcome != authclient.Refused || a.result.Attempts != 1 || s.asked.Load() != 1 {
			t.Errorf("%s: OnVerify heard %+v", c.code, a.result)
		}
	}
}

func TestMiddleware_RequestID(t *testing.T) {
	t.Parallel()
	var told string
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		told = r.Header.Get("X-Request-Id")
		says(500, "{}")(w, r)
	})
	client := authclient.New(authclient.Options{BaseURL: s.URL})
	for _, c := range []struct{ outer, sent, want string }{
		{"outer-1", "sent-1", "outer-1"}, {"", "sent-1", "sent-1"}, {"", "", ""}, {"", "a b", ""}, {"", strings.Repeat("x", 65), ""},
	} {
		w := httptest.NewRecorder()
		if c.outer != "" {
			w.Header().Set("X-Request-Id", c.outer)
		}
		r := request(t, "Bearer "+token)
		r.Header.Set("X-Request-Id", c.sent)
		client.Middleware(http.NotFoundHandler()).ServeHTTP(w, r)
		got := w.Header().Get("X-Request-Id")
		if got != told || c.want != "" && got != c.want || c.want == "" && len(got) != 32 {
			t.Errorf("%+v: the client hears %q, the service %q", c, got, told)
		}
	}
}

func TestMiddleware_TheHandlerIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := newService(t, says(200, good))
	client := authclient.New(authclient.Options{BaseURL: s.URL, Timeout: longest})
	key := struct{ name string }{"mine"}
	h := client.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, limited := r.Context().Deadline()
		panic(fmt.Sprintf("%v %t %v", r.Context().Value(key), limited, r.Context().Err()))
	}))
	defer func() {
		if got := recover(); got != "here false <nil>" {
			t.Errorf("the panic is %v", got)
		}
	}()
	r := request(t, "Bearer "+token)
	h.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithValue(context.Background(), key, "here")))
}

func TestMiddleware_ManyAtOnce(t *testing.T) {
	t.Parallel()
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, rest, _ := strings.Cut(string(body), "number-")
		number, _, _ := strings.Cut(rest, `"`)
		says(200, replaced("Jane Doe", number))(w, r)
	})
	client := authclient.New(authclient.Options{BaseURL: s.URL})
	var all sync.WaitGroup
	for i := range 500 {
		all.Go(func() {
			h := client.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if user, _ := authclient.UserFrom(r.Context()); user.Username != fmt.Sprint(i) {
					t.Errorf("number %d is taken for %s", i, user.Username)
				}
			}))
			w := httptest.NewRecorder()
			h.ServeHTTP(w, request(t, fmt.Sprintf("Bearer number-%d", i)))
			if w.Code != http.StatusOK {
				t.Errorf("number %d: %d %s", i, w.Code, w.Body)
			}
		})
	}
	all.Wait()
}

func preflight(t testing.TB) *http.Request {
	t.Helper()
	r := request(t)
	r.Method = http.MethodOptions
	r.Header.Set("Origin", "https://app.example.com")
	r.Header.Set("Access-Control-Request-Method", "GET")
	return r
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	s := newService(t, says(401, refused))
	strict, skipping := authclient.Options{BaseURL: s.URL}, authclient.Options{BaseURL: s.URL, SkipPreflight: true}

	g := newGate(t, strict)
	g.ask(t, preflight(t)).expect(t, g, "by default", 401, "token_missing")

	passed := 0
	h := authclient.New(skipping).Middleware(authclient.RequireType("admin")(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		passed++
		if user, ok := authclient.UserFrom(r.Context()); ok {
			t.Errorf("a preflight is %+v", user)
		}
	})))
	h.ServeHTTP(httptest.NewRecorder(), preflight(t))
	if passed != 1 || s.asked.Load() != 0 {
		t.Errorf("the preflight passed %d times, and the service was asked %d times", passed, s.asked.Load())
	}

	for name, change := range map[string]func(r *http.Request){
		"another method":      func(r *http.Request) { r.Method = http.MethodGet },
		"no Origin":           func(r *http.Request) { r.Header.Del("Origin") },
		"plain OPTIONS":       func(r *http.Request) { r.Header = http.Header{} },
		"no method asked":     func(r *http.Request) { r.Header.Del("Access-Control-Request-Method") },
		"an empty credential": func(r *http.Request) { r.Header.Set("Authorization", "") },
		"a credential":        func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) },
	} {
		g := newGate(t, skipping)
		r := preflight(t)
		change(r)
		if a := g.ask(t, r); a.Code != 401 || g.passed.Load() != 0 {
			t.Errorf("%s: answered %d, expected 401", name, a.Code)
		}
	}
}

func TestRequireType(t *testing.T) {
	t.Parallel()
	passes := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	as := func(userType string) *http.Request {
		r := request(t)
		return r.WithContext(authclient.WithUser(r.Context(), authclient.User{UserType: userType}))
	}
	for _, c := range []struct {
		name    string
		allowed []string
		r       *http.Request
		status  int
		code    string
	}{
		{"an admin", []string{"admin"}, as("admin"), 204, ""},
		{"one of two", []string{"admin", "staff"}, as("staff"), 204, ""},
		{"a user", []string{"admin"}, as("user"), 403, "forbidden"},
		{"upper case", []string{"admin"}, as("Admin"), 403, "forbidden"},
		{"no type", []string{"admin"}, as(""), 403, "forbidden"},
		{"nobody allowed", nil, as(""), 403, "forbidden"},
		{"no middleware in front", []string{"admin"}, request(t), 500, "internal"},
	} {
		w := httptest.NewRecorder()
		authclient.RequireType(c.allowed...)(passes).ServeHTTP(w, c.r)
		if w.Code != c.status || c.code != "" && !strings.Contains(w.Body.String(), `"code":"`+c.code+`"`) {
			t.Errorf("%s: answered %d %s, expected %d %s", c.name, w.Code, w.Body, c.status, c.code)
		}
	}
}

func TestOnVerify_MayBeNil(t *testing.T) {
	t.Parallel()
	s := newService(t, says(200, good))
	w := httptest.NewRecorder()
	authclient.New(authclient.Options{BaseURL: s.URL}).Middleware(http.NotFoundHandler()).ServeHTTP(w, request(t, "Bearer "+token))
	if w.Code != http.StatusNotFound {
		t.Errorf("answered %d, expected the handler's 404", w.Code)
	}
}
