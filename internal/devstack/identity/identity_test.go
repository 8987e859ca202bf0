package identity_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
)

const (
	project = "demo-test"
	toolkit = "/identitytoolkit.googleapis.com/v1/"
)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type served struct {
	*identity.Provider
	t    *testing.T
	base string
}

func serve(t *testing.T, opts identity.Options) served {
	t.Helper()
	if opts.ProjectID == "" {
		opts.ProjectID = project
	}
	if opts.ScryptMemoryCost == 0 {
		opts.ScryptMemoryCost = 4
	}
	if opts.KeyCount == 0 {
		opts.KeyCount = 1
	}
	p, err := identity.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p.Handler())
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		server.Close()
	})
	return served{Provider: p, t: t, base: server.URL}
}

type object = map[string]any

type answer struct {
	t      *testing.T
	status int
	body   object
	header http.Header
}

func (s served) client(path string, body object) answer {
	return s.do("POST", path+"?key=any", body, "")
}

func (s served) admin(path string, body object) answer {
	return s.do("POST", "projects/"+project+"/"+path, body, "Bearer owner")
}

func (s served) do(method, path string, body any, authorization string) answer {
	s.t.Helper()
	if !strings.HasPrefix(path, "/") {
		path = toolkit + path
	}
	var payload io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		payload = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, payload)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	a := answer{t: s.t, status: response.StatusCode, header: response.Header}
	if err := json.NewDecoder(response.Body).Decode(&a.body); err != nil {
		s.t.Fatalf("%s %s: body is not JSON: %v", method, path, err)
	}
	return a
}

func (a answer) ok() answer {
	a.t.Helper()
	if a.status != http.StatusOK {
		a.t.Fatalf("status %d, want 200: %v", a.status, a.body)
	}
	return a
}

func (a answer) refused(word string) {
	a.t.Helper()
	if got := a.message(); a.status != http.StatusBadRequest || strings.Fields(got + " ")[0] != word {
		a.t.Fatalf("got %d %q, want 400 %q", a.status, got, word)
	}
}

func (a answer) message() string {
	fault, _ := a.body["error"].(object)
	text, _ := fault["message"].(string)
	return text
}

func (a answer) text(field string) string {
	a.t.Helper()
	text, ok := a.body[field].(string)
	if !ok {
		a.t.Fatalf("no text %q in %v", field, a.body)
	}
	return text
}

func (s served) refresh(token string) answer {
	s.t.Helper()
	return s.do("POST", "/securetoken.googleapis.com/v1/token?key=any",
		object{"grant_type": "refresh_token", "refresh_token": token}, "")
}

func (s served) signUp(email string) answer {
	s.t.Helper()
	return s.client("accounts:signUp", object{"email": email, "password": "secret-1", "returnSecureToken": true}).ok()
}

func (s served) signIn(email, password string) answer {
	s.t.Helper()
	return s.client("accounts:signInWithPassword", object{"email": email, "password": password, "returnSecureToken": true})
}

func jsonText(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
