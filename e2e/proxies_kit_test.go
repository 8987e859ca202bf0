package e2e

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"auth-v2-service/internal/testkit/proxies"
	"auth-v2-service/internal/testkit/servicetest"
)

var identityHeaders = []string{"X-User-Id", "X-User-Email", "X-User-Username", "X-User-Type", "X-User-Token-Balance", "X-Auth-Kind"}

type arrival struct {
	method, uri string
	header      http.Header
	length      int
	sum         [sha256.Size]byte
}

// behind records requests without checks.
type behind struct {
	addr string
	mu   sync.Mutex
	got  []arrival
}

func startBehind(t testing.TB) *behind {
	t.Helper()
	b := &behind{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a cut body has another length
		b.mu.Lock()
		b.got = append(b.got, arrival{r.Method, r.RequestURI, r.Header.Clone(), len(body), sha256.Sum256(body)})
		b.mu.Unlock()
		w.Header().Set("X-Behind", "yes")
		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(server.Close)
	b.addr = strings.TrimPrefix(server.URL, "http://")
	return b
}

func (b *behind) take() []arrival {
	b.mu.Lock()
	defer b.mu.Unlock()
	got := b.got
	b.got = nil
	return got
}

// door is a proxy before the auth service and a service.
type door struct {
	*proxies.Proxy
	behind *behind
}

func openDoor(t testing.TB, kind proxies.Kind, authURL string, weakened ...proxies.Weakening) *door {
	t.Helper()
	b := startBehind(t)
	return &door{kind.Start(t, strings.TrimPrefix(authURL, "http://"), b.addr, weakened...), b}
}

func eachDoor(t *testing.T, s *servicetest.Service, test func(t *testing.T, d *door)) {
	t.Helper()
	for _, kind := range proxies.All {
		t.Run(kind.Name, func(t *testing.T) { test(t, openDoor(t, kind, s.URL)) })
	}
}

func request(method, target string, lines ...string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: platform.example\r\n" + strings.Join(append(lines, "Connection: close", "", ""), "\r\n")
}

func bearer(token string) string { return "Authorization: Bearer " + token }

// send returns the first answer; status 0 means closed without one.
func (d *door) send(t testing.TB, raw string) reply {
	t.Helper()
	conn, err := net.DialTimeout("tcp", d.Addr, 5*time.Second)
	if err != nil {
		t.Fatalf("reach the proxy: %v", err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(15 * time.Second))
	go func() { _, _ = io.Copy(conn, strings.NewReader(raw)) }() // a proxy may answer before reading all
	method, _, _ := strings.Cut(raw, " ")
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return reply{header: http.Header{}}
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, body}
}

// refused requires the auth service's answer and no arrival.
func (d *door) refused(t testing.TB, what, raw string, status int, code string) {
	t.Helper()
	r := d.send(t, raw)
	if r.status != status || r.code() != code {
		t.Errorf("%s: answered %d %q, expected %d %q\n%s", what, r.status, r.code(), status, code, r.body)
	}
	if challenge := r.header.Values("WWW-Authenticate"); status == http.StatusUnauthorized && (len(challenge) != 1 || !strings.HasPrefix(challenge[0], "Bearer")) {
		t.Errorf("%s: WWW-Authenticate is %q, expected one challenge", what, challenge)
	}
	if status == http.StatusServiceUnavailable && r.header.Get("Retry-After") == "" {
		t.Errorf("%s: 503 without Retry-After", what)
	}
	if got := d.behind.take(); len(got) != 0 {
		t.Errorf("%s: came through as %+v", what, got)
	}
}

func (d *door) passed(t testing.TB, what, raw string, who map[string]string) arrival {
	t.Helper()
	r := d.send(t, raw)
	got := d.behind.take()
	if r.status != http.StatusOK || len(got) != 1 {
		t.Errorf("%s: answered %d, came through %d times, expected 200 and once\n%s", what, r.status, len(got), r.body)
		return arrival{header: http.Header{}}
	}
	if fault := impostor(got[0].header, who, true); fault != "" {
		t.Errorf("%s: %s", what, fault)
	}
	return got[0]
}

// saidOf returns forward's headers. Proxies drop empty ones.
func saidOf(t testing.TB, s *servicetest.Service, token string) map[string]string {
	t.Helper()
	r := forward(t, s, token)
	r.expect(t, "forward", http.StatusOK, "")
	said := map[string]string{}
	for _, name := range identityHeaders {
		if value := r.header.Get(name); value != "" {
			said[name] = value
		}
	}
	if len(said) < 5 {
		t.Fatalf("forward says only %v", said)
	}
	return said
}

// impostor reports identity headers that the auth service did not set (G4), and missing ones if whole.
func impostor(header http.Header, said map[string]string, whole bool) string {
	for name, values := range header {
		canonical := strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(name))
		if !strings.HasPrefix(canonical, "x-user-") && !strings.HasPrefix(canonical, "x-auth-") {
			continue
		}
		if want, ok := said[name]; !ok || len(values) != 1 || values[0] != want {
			return fmt.Sprintf("the service behind saw %s: %q, the auth service says %q", name, values, want)
		}
	}
	if !whole {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(said)) {
		if header.Get(name) != said[name] {
			return fmt.Sprintf("the service behind saw %s: %q, the auth service says %q", name, header.Get(name), said[name])
		}
	}
	return ""
}

var megabyte = bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
