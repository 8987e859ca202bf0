package authclient_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"auth-v2-service/authclient"
)

const (
	budget  = time.Second
	longest = 5 * time.Second
)

func replaced(old, with string) string {
	if !strings.Contains(good, old) {
		panic("the good answer does not hold " + old)
	}
	return strings.Replace(good, old, with, 1)
}

const refused = `{"success":false,"message":"No","code":"token_revoked","request_id":"x"}`

// unusable holds answers outside the contract.
var unusable = map[string]http.HandlerFunc{
	"500":                           says(500, `{"success":false,"message":"Oh","code":"internal","request_id":"x"}`),
	"502 of a proxy":                says(502, "<html>", "Content-Type", "text/html"),
	"503":                           says(503, `{"success":false,"message":"Oh","code":"dependency_unavailable","request_id":"x"}`),
	"429":                           says(429, `{"success":false,"message":"Oh","code":"rate_limited","request_id":"x"}`),
	"400, for what we sent":         says(400, `{"success":false,"message":"Oh","code":"invalid_request","request_id":"x"}`),
	"404, a wrong BaseURL":          says(404, `{"success":false,"message":"Oh","code":"not_found","request_id":"x"}`),
	"413":                           says(413, `{"success":false,"message":"Oh","code":"payload_too_large","request_id":"x"}`),
	"201":                           says(201, good),
	"204":                           says(204, ""),
	"200 and nothing":               says(200, ""),
	"200 and HTML":                  says(200, "<html>welcome</html>"),
	"200 as text/html":              says(200, good, "Content-Type", "text/html"),
	"half of the JSON":              says(200, good[:len(good)/2]),
	"two JSON values":               says(200, good+good),
	"an array":                      says(200, "["+good+"]"),
	"null":                          says(200, "null"),
	"no success":                    says(200, replaced(`"success":true,`, "")),
	"success false":                 says(200, replaced(`"success":true`, `"success":false`)),
	"no data":                       says(200, `{"success":true,"message":"m"}`),
	"no id":                         says(200, replaced(`"id":"7b1f7b6e-3f0a-4f5e-9d55-0f3a4a3c2b1d",`, "")),
	"id null":                       says(200, replaced(`"id":"7b1f7b6e-3f0a-4f5e-9d55-0f3a4a3c2b1d"`, `"id":null`)),
	"id empty":                      says(200, replaced(`7b1f7b6e-3f0a-4f5e-9d55-0f3a4a3c2b1d`, ``)),
	"id no UUID":                    says(200, replaced(`7b1f7b6e-3f0a`, `7b1f7b6e-3f0_`)),
	"id without its dashes":         says(200, replaced(`7b1f7b6e-3f0a`, `7b1f7b6ea3f0a`)),
	"id a number":                   says(200, replaced(`"7b1f7b6e-3f0a-4f5e-9d55-0f3a4a3c2b1d"`, `7`)),
	"is_active false":               says(200, replaced(`"is_active":true`, `"is_active":false`)),
	"no is_active":                  says(200, replaced(`"is_active":true,`, "")),
	"is_active a string":            says(200, replaced(`"is_active":true`, `"is_active":"true"`)),
	"user_type null":                says(200, replaced(`"user_type":"user"`, `"user_type":null`)),
	"no token_balance":              says(200, replaced(`,"token_balance":7`, "")),
	"a balance with a fraction":     says(200, replaced(`"token_balance":7`, `"token_balance":7.5`)),
	"no token":                      says(200, replaced(`"token":{`, `"tokens":{`)),
	"no kind":                       says(200, replaced(`"kind":"firebase",`, "")),
	"expires_at no time":            says(200, replaced(`2026-01-02T04:04:05Z`, `tomorrow`)),
	"no issued_at":                  says(200, replaced(`"issued_at":"2026-01-02T03:04:05Z",`, "")),
	"401 and HTML":                  says(401, "<html>", "Content-Type", "text/html"),
	"401 as text/html":              says(401, refused, "Content-Type", "text/html"),
	"401 of somebody between":       says(401, `{"error":"unauthorized"}`),
	"401 without a code":            says(401, `{"success":false,"message":"No"}`),
	"401 without a message":         says(401, `{"success":false,"code":"token_revoked"}`),
	"401 without success":           says(401, `{"message":"No","code":"token_revoked"}`),
	"401 that is a success":         says(401, `{"success":true,"message":"No","code":"token_revoked"}`),
	"401 with a strange code":       says(401, `{"success":false,"message":"No","code":"<b>"}`),
	"403 and nothing":               says(403, ""),
	"407":                           says(407, refused),
	"418":                           says(418, refused),
	"301":                           says(301, "", "Location", "/v1/auth/elsewhere"),
	"307 to one who says yes":       redirects(307),
	"308 to one who says yes":       redirects(308),
	"10 MB of JSON":                 says(200, `{"pad":"`+strings.Repeat("x", 10<<20)+`",`+good[1:]),
	"10 MB of white space":          says(200, good+strings.Repeat(" ", 10<<20)),
	"10 MB with a 401":              says(401, refused+strings.Repeat(" ", 10<<20)),
	"a header of 1 MB":              says(200, good, "X-Pad", strings.Repeat("x", 1<<20)),
	"an answer that ends too early": says(200, good, "Content-Length", fmt.Sprint(len(good)+10)),
	"an answer that is slow forever": func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, " ")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(10 * time.Millisecond):
			}
		}
	},
	"headers and then nothing": func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		hangs(w, r)
	},
	"nothing at all": hangs,
	"a panic":        func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
}

func redirects(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/yes" {
			says(200, good)(w, r)
			return
		}
		http.Redirect(w, r, "/yes", status)
	}
}

// Each is 503, never 401 and never let through.
func TestOutage_UnusableAnswers(t *testing.T) {
	t.Parallel()
	for name, answer := range unusable {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, answer)
			g := newGate(t, authclient.Options{BaseURL: s.URL, Timeout: budget})
			a := g.askWith(t, "Bearer "+token)
			a.expectOutage(t, g, name)
			if a.took > longest {
				t.Errorf("it took %s", a.took)
			}
			want := int64(1)
			if name == "a panic" || name == "a header of 1 MB" { // no answer, so one retry
				want = 2
			}
			if n := s.asked.Load(); n != want || int64(a.result.Attempts) != want {
				t.Errorf("the service was asked %d times, and OnVerify heard of %d, expected %d", n, a.result.Attempts, want)
			}
		})
	}
}

func TestOutage_NoMoreIsReadThanNeeded(t *testing.T) {
	t.Parallel()
	endless := &spaces{}
	g := newGate(t, authclient.Options{BaseURL: "http://auth", Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: endless}, nil
	})})
	g.askWith(t, "Bearer "+token).expectOutage(t, g, "white space for ever")
	if endless.read != 64<<10+1 || !endless.closed {
		t.Errorf("%d bytes were read, closed: %t, expected one over 64 KiB, and closed", endless.read, endless.closed)
	}
}

type spaces struct {
	read   int
	closed bool
}

func (s *spaces) Read(p []byte) (int, error) {
	if s.read > 1<<20 {
		return 0, io.EOF
	}
	for i := range p {
		p[i] = ' '
	}
	s.read += len(p)
	return len(p), nil
}

func (s *spaces) Close() error {
	s.closed = true
	return nil
}

var broken = map[string]func(conn net.Conn){
	"closed at once":            func(net.Conn) {},
	"reset at once":             func(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0) },
	"closed when it was asked":  func(conn net.Conn) { readRequest(conn) },
	"not HTTP":                  func(conn net.Conn) { readRequest(conn); _, _ = io.WriteString(conn, "220 smtp ready\r\n") },
	"says back what it is told": func(conn net.Conn) { _, _ = io.WriteString(conn, readRequest(conn)) },
	"says the body as a status": func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 "+lastLine(readRequest(conn))+"\r\n\r\n") },
	"says the body as a header": func(conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+lastLine(readRequest(conn))+"\r\n\r\n")
	},
	"cut in the status line":     func(conn net.Conn) { readRequest(conn); _, _ = io.WriteString(conn, "HTTP/1.1 20") },
	"cut in the headers":         func(conn net.Conn) { readRequest(conn); _, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Ty") },
	"cut in the middle":          cutInTheMiddle,
	"cut in the middle, chunked": cutInAChunk,
	"only 100 Continue, for ever": func(conn net.Conn) {
		readRequest(conn)
		for {
			if _, err := io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
				return
			}
		}
	},
	"accepts and says nothing": func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) },
}

func lastLine(request string) string { return request[strings.LastIndex(request, "\n")+1:] }

func cutInTheMiddle(conn net.Conn) {
	readRequest(conn)
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(good), good[:len(good)/2])
}

func cutInAChunk(conn net.Conn) {
	readRequest(conn)
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", len(good), good)
}

func TestOutage_BrokenConnections(t *testing.T) {
	t.Parallel()
	for name, serve := range broken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, accepted := listen(t, serve)
			g := newGate(t, authclient.Options{BaseURL: url, Timeout: budget})
			a := g.askWith(t, "Bearer "+token)
			a.expectOutage(t, g, name)
			if a.took > longest {
				t.Errorf("it took %s", a.took)
			}
			if n := accepted.Load(); n > 2 {
				t.Errorf("%d connections, expected 2 at most", n)
			}
		})
	}
}

func TestOutage_NobodyToTalkTo(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(says(200, good))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := newService(t, says(200, good))
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, url := range map[string]string{
		"refused": closed.URL, "no such name": "http://nobody.invalid:1", "an unknown certificate": secure.URL,
		"no TLS": "https" + strings.TrimPrefix(plain.URL, "http"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGate(t, authclient.Options{BaseURL: url, Timeout: longest})
			g.askWith(t, "Bearer "+token).expectOutage(t, g, name)
		})
	}
}

func TestOutage_RetryAfter(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{"": "1", "7": "7", "0": "1", "-3": "1", "99999": "60", "soon": "1", "Wed, 21 Oct 2026 07:28:00 GMT": "1"} {
		s := newService(t, says(503, "{}", "Retry-After", said))
		g := newGate(t, authclient.Options{BaseURL: s.URL})
		a := g.askWith(t, "Bearer "+token)
		a.expectOutage(t, g, "Retry-After "+said)
		if got := a.Header().Get("Retry-After"); got != want {
			t.Errorf("Retry-After %q became %q, expected %q", said, got, want)
		}
	}
}

func TestOutage_TheClientLeaves(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	gone := make(chan struct{})
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		hangs(w, r)
		close(gone)
	})
	g := newGate(t, authclient.Options{BaseURL: s.URL, Timeout: time.Minute})
	r := request(t, "Bearer "+token)
	ctx, leave := context.WithCancel(r.Context())
	go func() { <-arrived; leave() }()
	a := g.ask(t, r.WithContext(ctx))
	if a.Code != http.StatusServiceUnavailable || a.result.Outcome != authclient.Cancelled || g.passed.Load() != 0 {
		t.Errorf("answered %d, OnVerify heard %+v, expected a cancelled request", a.Code, a.result)
	}
	select {
	case <-gone:
	case <-time.After(longest):
		t.Error("the question outlives the client that asked")
	}
}

func TestOutage_TheShorterDeadlineHolds(t *testing.T) {
	t.Parallel()
	s := newService(t, hangs)
	g := newGate(t, authclient.Options{BaseURL: s.URL, Timeout: time.Minute})
	r := request(t, "Bearer "+token)
	ctx, cancel := context.WithTimeout(r.Context(), budget)
	defer cancel()
	a := g.ask(t, r.WithContext(ctx))
	a.expectOutage(t, g, "a shorter deadline")
	if a.took > longest {
		t.Errorf("it took %s", a.took)
	}
}

func TestOutage_ACrowd(t *testing.T) {
	t.Parallel()
	s := newService(t, hangs)
	g := newGate(t, authclient.Options{BaseURL: s.URL, Timeout: budget})
	began := time.Now()
	var all sync.WaitGroup
	for range 600 {
		all.Go(func() {
			w := httptest.NewRecorder()
			g.ServeHTTP(w, request(t, "Bearer "+token))
			if w.Code != http.StatusServiceUnavailable {
				t.Errorf("answered %d, expected 503", w.Code)
			}
		})
	}
	all.Wait()
	if took := time.Since(began); took > longest {
		t.Errorf("600 at once waited %s", took)
	}
}
