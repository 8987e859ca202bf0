package authclient_test

import (
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"auth-v2-service/authclient"
)

const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJqYW5lIn0.c2VjcmV0LXNpZ25hdHVyZQ"

// good is the contract's example of a 200.
const good = `{"success":true,"data":{"user":{"id":"7b1f7b6e-3f0a-4f5e-9d55-0f3a4a3c2b1d","firebase_uid":"jane-at-firebase",` +
	`"email":"jane@example.com","username":"Jane Doe","user_type":"user","is_active":true,"token_balance":7},` +
	`"token":{"kind":"firebase","issued_at":"2026-01-02T03:04:05Z","expires_at":"2026-01-02T04:04:05Z"}},"message":"Token verified successfully"}`

// service is a fake auth service.
type service struct {
	*httptest.Server
	asked  atomic.Int64
	opened atomic.Int64 // connections
}

func newService(t testing.TB, answer http.HandlerFunc) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		answer(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.opened.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s
}

func says(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func hangs(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // else the server misses the client's leaving
	<-r.Context().Done()
}

func listen(t testing.TB, serve func(conn net.Conn)) (url string, accepted *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted = new(atomic.Int64)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			all.Go(func() { defer conn.Close(); serve(conn) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); all.Wait() })
	return "http://" + listener.Addr().String(), accepted
}

func readRequest(conn net.Conn) string {
	var all strings.Builder
	buffer := make([]byte, 4096)
	for !strings.HasSuffix(all.String(), `"}`) {
		n, err := conn.Read(buffer)
		all.Write(buffer[:n])
		if err != nil {
			break
		}
	}
	return all.String()
}

type gate struct {
	http.Handler
	passed  atomic.Int64
	seen    atomic.Pointer[http.Request]
	results chan authclient.Result
}

func newGate(t testing.TB, o authclient.Options) *gate {
	t.Helper()
	g := &gate{results: make(chan authclient.Result, 1024)}
	o.OnVerify = func(r authclient.Result) { g.results <- r }
	g.Handler = authclient.New(o).Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.passed.Add(1)
		g.seen.Store(r)
		w.WriteHeader(http.StatusNoContent)
	}))
	return g
}

type answer struct {
	*httptest.ResponseRecorder
	result authclient.Result
	took   time.Duration
	body   struct {
		Success   *bool   `json:"success"`
		Message   *string `json:"message"`
		Code      string  `json:"code"`
		RequestID string  `json:"request_id"`
	}
}

func (g *gate) ask(t testing.TB, r *http.Request) answer {
	t.Helper()
	a := answer{ResponseRecorder: httptest.NewRecorder()}
	began := time.Now()
	g.ServeHTTP(a, r)
	a.took = time.Since(began)
	select {
	case a.result = <-g.results:
	default:
		t.Error("OnVerify heard nothing")
	}
	if a.Body.Len() > 0 {
		decoder := json.NewDecoder(strings.NewReader(a.Body.String()))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&a.body); err != nil {
			t.Errorf("the answer %q: %v", a.Body, err)
		}
	}
	return a
}

func (g *gate) askWith(t testing.TB, authorization ...string) answer {
	t.Helper()
	return g.ask(t, request(t, authorization...))
}

func request(t testing.TB, authorization ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/assessments", nil)
	for _, value := range authorization {
		r.Header.Add("Authorization", value)
	}
	return r
}

func (a answer) expect(t testing.TB, g *gate, what string, status int, code string) {
	t.Helper()
	if a.Code != status || a.body.Code != code {
		t.Errorf("%s: answered %d %q, expected %d %q", what, a.Code, a.body.Code, status, code)
	}
	if a.body.Success == nil || *a.body.Success || a.body.Message == nil || *a.body.Message == "" ||
		a.body.RequestID == "" || a.body.RequestID != a.Header().Get("X-Request-Id") || a.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%s: %s is not the envelope; headers %v", what, a.Body, a.Header())
	}
	if n := g.passed.Load(); n != 0 {
		t.Errorf("%s: the handler ran %d times, expected never", what, n)
	}
	if a.result.Status != status || a.result.Code != code || a.result.RequestID != a.body.RequestID {
		t.Errorf("%s: OnVerify heard %+v", what, a.result)
	}
	if challenge := a.Header().Get("WWW-Authenticate"); (challenge != "") != (status == http.StatusUnauthorized) {
		t.Errorf("%s: %d with WWW-Authenticate %q", what, status, challenge)
	}
	if strings.Contains(a.Body.String()+a.Header().Get("WWW-Authenticate"), "eyJ") {
		t.Errorf("%s: the answer holds the token: %s", what, a.Body)
	}
}

func (a answer) expectOutage(t testing.TB, g *gate, what string) {
	t.Helper()
	a.expect(t, g, what, http.StatusServiceUnavailable, "dependency_unavailable")
	if a.Header().Get("Retry-After") == "" {
		t.Errorf("%s: 503 without Retry-After", what)
	}
	if a.result.Outcome != authclient.Unavailable || a.result.Err == nil {
		t.Errorf("%s: OnVerify heard %+v, expected an outage and its reason", what, a.result)
	} else if reason := a.result.Err.Error(); strings.Contains(reason, "eyJ") || strings.Contains(reason, "c2Vjc") {
		t.Errorf("%s: the reason holds the token: %s", what, reason)
	} else {
		t.Logf("%s: after %s, asked %d times: %s", what, a.took.Round(time.Millisecond), a.result.Attempts, reason)
	}
}

func (a answer) expectPassed(t testing.TB, g *gate, what string, times int64) {
	t.Helper()
	if a.Code != http.StatusNoContent || g.passed.Load() != times || a.result.Outcome != authclient.Allowed {
		t.Errorf("%s: answered %d %s (%v), the handler ran %d times, expected %d", what, a.Code, a.Body, a.result.Err, g.passed.Load(), times)
	}
}
