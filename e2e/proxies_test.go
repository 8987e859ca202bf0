package e2e

import (
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/proxies"
	"auth-v2-service/internal/testkit/servicetest"
)

// Not parallel: the programs install before timed tests start.
func TestProxies_AreBrought(t *testing.T) {
	for _, kind := range proxies.All {
		began := time.Now()
		version, err := kind.Version()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s, after %.1f s", version, time.Since(began).Seconds())
	}
}

func TestProxies_WhoComesIn(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	for _, row := range tokenKinds {
		t.Run(row.kind, func(t *testing.T) {
			token := row.signIn(t, s).token
			who := saidOf(t, s, token)
			if who["X-Auth-Kind"] != row.kind {
				t.Errorf("forward says the kind %q, expected %s", who["X-Auth-Kind"], row.kind)
			}
			eachDoor(t, s, func(t *testing.T, d *door) {
				goodRequests(t, d, token, who)
				badCredentials(t, d, s, token)
				otherPlaces(t, d, token)
			})
		})
	}
	eachDoor(t, s, func(t *testing.T, d *door) { revokedAndDeactivated(t, d, s) })
}

func goodRequests(t *testing.T, d *door, token string, who map[string]string) {
	t.Helper()
	got := d.passed(t, "GET", request("GET", "/private/a?b=c%20d", bearer(token), "Cookie: a=b", "Accept: text/x-one"), who)
	if got.method != "GET" || got.uri != "/private/a?b=c%20d" || got.header.Get("Cookie") != "a=b" || got.header.Get("Accept") != "text/x-one" {
		t.Errorf("GET arrived as %s %s %v", got.method, got.uri, got.header)
	}
	if got = d.passed(t, "HEAD", request("HEAD", "/private", bearer(token)), who); got.method != "HEAD" {
		t.Errorf("HEAD arrived as %s", got.method)
	}
	for _, scheme := range []string{"bearer", "BEARER"} {
		d.passed(t, scheme, request("GET", "/private", "Authorization: "+scheme+" "+token), who)
	}
	d.passed(t, "OPTIONS that is no preflight", request("OPTIONS", "/private", bearer(token)), who)
	d.passed(t, "Connection that names the identity",
		strings.Replace(request("GET", "/private", bearer(token)), "Connection: close", "Connection: close, X-User-Id, X-User-Type, Authorization", 1), who)
	post := request("POST", "/private", bearer(token), "Content-Type: text/x-one", fmt.Sprintf("Content-Length: %d", len(megabyte)))
	got = d.passed(t, "POST of 1 MB", post+string(megabyte), who)
	if got.method != "POST" || got.sum != sha256.Sum256(megabyte) || got.header.Get("Content-Type") != "text/x-one" {
		t.Errorf("POST arrived as %s with %d bytes of %q", got.method, got.length, got.header.Get("Content-Type"))
	}
}

func badCredentials(t *testing.T, d *door, s *servicetest.Service, token string) {
	t.Helper()
	for _, c := range []struct{ what, line, code string }{
		{"no token", "Accept: */*", "token_missing"},
		{"a bad token", bearer("not.a.token"), "token_invalid"},
		{"a token with a byte changed", bearer(token[:len(token)-10] + "AAAAAAAAAA"), "token_invalid"},
		{"an unsigned token", bearer("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."), "token_invalid"},
		{"an empty Authorization", "Authorization:", "token_missing"},
		{"Basic", "Authorization: Basic YTpi", "token_missing"},
		{"a good token and another after a comma", bearer(token) + ", Bearer other", "token_invalid"},
		{"a token without a scheme", "Authorization: " + token, "token_missing"},
	} {
		for _, method := range []string{"GET", "POST", "OPTIONS"} {
			d.refused(t, c.what+", "+method, request(method, "/private", c.line, "Content-Length: 0"), http.StatusUnauthorized, c.code)
		}
	}
	expired := mint(t, s.Stack, claims(newUID(), servicetest.Email(), map[string]any{"auth_time": in(-3 * time.Hour), "iat": in(-3 * time.Hour), "exp": in(-2 * time.Hour)}))
	d.refused(t, "an expired token", request("GET", "/private", bearer(expired)), http.StatusUnauthorized, "token_expired")
	big := request("POST", "/private", fmt.Sprintf("Content-Length: %d", len(megabyte))) + string(megabyte)
	if r := d.send(t, big); r.status == http.StatusOK || len(d.behind.take()) != 0 {
		t.Errorf("1 MB without a token: answered %d", r.status)
	}
	for _, second := range []string{bearer(token), bearer("not.a.token"), "authorization: Bearer " + token} {
		r := d.send(t, request("GET", "/private", bearer(token), second))
		if r.status != http.StatusUnauthorized && r.status != http.StatusBadRequest || len(d.behind.take()) != 0 {
			t.Errorf("two Authorization headers: answered %d, expected 401 or 400", r.status)
		}
	}
}

func otherPlaces(t *testing.T, d *door, token string) {
	t.Helper()
	for what, raw := range map[string]string{
		"in the query":  request("GET", "/private?token="+token+"&access_token="+token),
		"in a cookie":   request("GET", "/private", "Cookie: token="+token+"; Authorization=Bearer "+token),
		"X-header":      request("GET", "/private", "X-Authorization: Bearer "+token),
		"Proxy-":        request("GET", "/private", "Proxy-Authorization: Bearer "+token),
		"as underscore": request("GET", "/private", "Authorization_: Bearer "+token),
	} {
		d.refused(t, "a token "+what, raw, http.StatusUnauthorized, "token_missing")
	}
}

func revokedAndDeactivated(t *testing.T, d *door, s *servicetest.Service) {
	t.Helper()
	revoked, deactivated := s.Person(t), s.Person(t)
	d.passed(t, "before the logout", request("GET", "/private", bearer(revoked.IDToken)), saidOf(t, s, revoked.IDToken))
	logout(t, s, revoked.IDToken)
	d.refused(t, "revoked", request("GET", "/private", bearer(revoked.IDToken)), http.StatusUnauthorized, "token_revoked")
	execute(t, s.Stack, "UPDATE auth.users SET is_active = false WHERE firebase_uid = $1", deactivated.UID)
	d.refused(t, "deactivated", request("GET", "/private", bearer(deactivated.IDToken)), http.StatusForbidden, "account_deactivated")
}

// Preflights carry no token and pass without an identity.
func TestProxies_Preflight(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	eachDoor(t, s, func(t *testing.T, d *door) {
		preflight := []string{"Origin: https://app.example", "Access-Control-Request-Method: POST"}
		got := d.passed(t, "preflight", request("OPTIONS", "/private", append(preflight, "X-User-Id: admin", "X_Auth_Kind: firebase")...), nil)
		if got.method != "OPTIONS" || got.header.Get("Origin") == "" || got.header.Get("Access-Control-Request-Method") != "POST" {
			t.Errorf("the preflight arrived as %s %v", got.method, got.header)
		}
		d.passed(t, "preflight with a bad token", request("OPTIONS", "/private", append(preflight, bearer("bad"))...), nil)
		for _, part := range preflight {
			d.refused(t, "half a preflight", request("OPTIONS", "/private", part), http.StatusUnauthorized, "token_missing")
		}
		d.refused(t, "a preflight's headers on GET", request("GET", "/private", preflight...), http.StatusUnauthorized, "token_missing")
	})
}

func TestProxies_TheGuide(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	token := s.Person(t).IDToken
	page, err := os.ReadFile("../docs/guides/forward-auth.md")
	if err != nil {
		t.Fatal(err)
	}
	block := shellBlock.FindSubmatch(page)
	if block == nil {
		t.Fatal("the guide has no block of sh")
	}
	var want []string
	for _, match := range regexp.MustCompile(`# (\d{3})`).FindAllSubmatch(block[1], -1) {
		want = append(want, string(match[1]))
	}
	eachDoor(t, s, func(t *testing.T, d *door) {
		command := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", string(block[1]))
		command.Env = append(os.Environ(), "PLATFORM_URL=http://"+d.Addr, "TOKEN="+token)
		output, err := command.CombinedOutput()
		if got := strings.Fields(string(output)); err != nil || !slices.Equal(got, want) {
			t.Errorf("the guide's commands say %s (%v), expected %s", got, err, want)
		}
	})
}

// 503, never 401, 500 or a pass.
func TestProxies_AuthServiceAway(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	s := stack.Start(t)
	token := s.Person(t).IDToken
	who := saidOf(t, s, token)
	for _, kind := range proxies.All {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel() // mostly waits
			wire, url := netfault.URL(t, s.URL)
			d := openDoor(t, kind, url)
			good := request("GET", "/private", bearer(token))
			d.passed(t, "before", good, who)
			for name, outage := range outages {
				outage(wire)
				for what, raw := range map[string]string{
					"a good token": good, "no token": request("GET", "/private"), "a bad token": request("GET", "/private", bearer("bad")),
				} {
					began := time.Now()
					d.refused(t, name+", "+what, raw, http.StatusServiceUnavailable, "dependency_unavailable")
					if took := time.Since(began); took > 8*time.Second {
						t.Errorf("%s, %s: answered after %s", name, what, took)
					}
				}
				wire.Restore()
				d.passed(t, "back after "+name, good, who)
			}
		})
	}
}

func TestProxies_AuthServiceUnable(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	wire, url := netfault.URL(t, stack.DatabaseURL)
	s := stack.Start(t, map[string]string{"DATABASE_URL": url})
	wire.Cut()
	eachDoor(t, s, func(t *testing.T, d *door) {
		cold := mint(t, stack, claims(newUID(), servicetest.Email()))
		d.refused(t, "database away", request("GET", "/private", bearer(cold)), http.StatusServiceUnavailable, "dependency_unavailable")
	})
}

// Clients see 200 or 503 only.
func TestProxies_AuthServiceRestarts(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	s := stack.Start(t)
	token := s.Person(t).IDToken
	who := saidOf(t, s, token)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	whole := t // the service lives until this test ends
	for _, kind := range proxies.All {
		t.Run(kind.Name, func(t *testing.T) {
			d := openDoor(t, kind, s.URL)
			var through, away atomic.Int64
			var clients sync.WaitGroup
			done := make(chan struct{})
			for range 4 {
				clients.Go(func() {
					for {
						select {
						case <-done:
							return
						default:
						}
						switch r := d.send(t, request("GET", "/private", bearer(token))); r.status {
						case http.StatusOK:
							through.Add(1)
						case http.StatusServiceUnavailable:
							away.Add(1)
						default:
							t.Errorf("during a restart: answered %d %s", r.status, r.body)
							return
						}
					}
				})
			}
			for range 2 {
				before := through.Load()
				eventually(t, "requests", func() bool { return through.Load() > before+50 })
				s.Stop(t)
				lost := away.Load()
				eventually(t, "503", func() bool { return away.Load() > lost+20 })
				s = stack.Start(whole, map[string]string{"PORT": port})
			}
			before := through.Load()
			eventually(t, "requests again", func() bool { return through.Load() > before+50 })
			close(done)
			clients.Wait()
			for _, got := range d.behind.take() {
				if fault := impostor(got.header, who, true); fault != "" {
					t.Fatal(fault)
				}
			}
			t.Logf("%s, two restarts: %d through, %d heard 503, nobody anything else", kind.Name, through.Load(), away.Load())
		})
	}
}
