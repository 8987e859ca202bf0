package e2e

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/child"
	"auth-v2-service/internal/devstack/freeport"
	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/servicetest"
)

// guarded is authclient's example as a separate process.
type guarded struct {
	*child.Process
	url string
	log *servicetest.Log
}

func startGuarded(t *testing.T, authURL string) *guarded {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "example")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", "../authclient", "-o", binary, "./example")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build authclient's example: %v\n%s", err, output)
	}
	g := &guarded{log: &servicetest.Log{}}
	lines, address := newAddressReader()
	var err error
	if g.Process, err = child.Start(child.Options{
		Path: binary, Env: []string{"AUTH_URL=" + authURL, "LISTEN=127.0.0.1:0"}, Stderr: io.MultiWriter(g.log, lines),
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Stop(); err != nil || g.Err() != nil {
			t.Errorf("the example ended with %v, %v, expected exit code 0 after SIGTERM", err, g.Err())
		}
		if strings.Contains(g.log.String(), "eyJ") {
			t.Errorf("T6: the example's log holds a token:\n%s", g.log)
		}
	})
	select {
	case found := <-address:
		g.url = "http://" + found
	case <-g.Done():
		t.Fatalf("the example ended before it served: %v\n%s", g.Err(), g.log)
	case <-time.After(20 * time.Second):
		t.Fatalf("the example did not serve within 20 s\n%s", g.log)
	}
	return g
}

// get asks the example. No contract checks its answers.
func (g *guarded) get(t testing.TB, path, token string, header ...string) timed {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header[header[i]] = append(request.Header[header[i]], header[i+1])
	}
	began := time.Now()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Errorf("GET %s: %v", path, err)
		return timed{reply: reply{header: http.Header{}}}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Errorf("GET %s: %v", path, err)
	}
	return timed{reply{status: response.StatusCode, header: response.Header, body: body}, time.Since(began)}
}

// expectAs expects verify-token's own refusal, word for word.
func (r timed) expectAs(t testing.TB, what string, said reply, status int, code string) {
	t.Helper()
	r.expect(t, what, status, code)
	said.expect(t, what+", at verify-token", status, code)
	var here, there map[string]any
	if json.Unmarshal(r.body, &here) != nil || json.Unmarshal(said.body, &there) != nil {
		t.Fatalf("%s: %s and %s are not both JSON", what, r.body, said.body)
	}
	delete(here, "request_id")
	delete(there, "request_id")
	if a, b := jsonOf(t, here), jsonOf(t, there); a != b {
		t.Errorf("%s: answered %s, and verify-token %s", what, a, b)
	}
	if a, b := r.header.Get("WWW-Authenticate"), said.header.Get("WWW-Authenticate"); a != b {
		t.Errorf("%s: WWW-Authenticate is %q, and verify-token's %q", what, a, b)
	}
}

func TestAuthclient_InTheServicesWords(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	g := startGuarded(t, s.URL)
	person, other, admin := s.Person(t), s.Person(t), s.Person(t)

	good := g.get(t, "/me", person.IDToken)
	good.expect(t, "a good token", http.StatusOK, "")
	expectGuardedUser(t, s, good, person.IDToken)
	forged := g.get(t, "/me", person.IDToken, "X-User-Id", other.User.ID.String(), "X_User_Type", "admin", "X.Auth.Kind", "legacy")
	expectGuardedUser(t, s, forged, person.IDToken)

	g.get(t, "/me", "").expect(t, "no token", http.StatusUnauthorized, "token_missing")
	g.get(t, "/me", person.IDToken, "Authorization", "Bearer "+other.IDToken).expect(t, "two tokens", http.StatusBadRequest, "invalid_request")
	g.get(t, "/me", "e30.e30.c2ln").expectAs(t, "no token of ours", verify(t, s, "e30.e30.c2ln").reply, http.StatusUnauthorized, "token_invalid")
	anonymous := s.Token(t, identityUser(""), "anonymous")
	g.get(t, "/me", anonymous).expectAs(t, "an anonymous token", verify(t, s, anonymous).reply, http.StatusUnprocessableEntity, "unsupported_identity")

	g.get(t, "/admin", person.IDToken).expect(t, "a user among admins", http.StatusForbidden, "forbidden")
	execute(t, s.Stack, "UPDATE auth.users SET user_type = 'admin' WHERE id = $1", admin.User.ID)
	g.until(t, "/admin", admin.IDToken, http.StatusOK)

	logout(t, s, person.IDToken)
	g.get(t, "/me", person.IDToken).expectAs(t, "T4: a revoked token", verify(t, s, person.IDToken).reply, http.StatusUnauthorized, "token_revoked")
	execute(t, s.Stack, "UPDATE auth.users SET is_active = false WHERE id = $1", other.User.ID)
	g.until(t, "/me", other.IDToken, http.StatusForbidden).
		expectAs(t, "F9: a deactivated person", verify(t, s, other.IDToken).reply, http.StatusForbidden, "account_deactivated")
}

func expectGuardedUser(t testing.TB, s *servicetest.Service, r timed, token string) {
	t.Helper()
	var here, there struct {
		Data struct{ User, Token map[string]any }
	}
	if json.Unmarshal(r.body, &here) != nil || json.Unmarshal(verify(t, s, token).body, &there) != nil {
		t.Fatalf("%s is not JSON", r.body)
	}
	want := there.Data.User
	want["token"] = there.Data.Token
	if a, b := jsonOf(t, here.Data.User), jsonOf(t, want); a != b {
		t.Errorf("behind authclient the user is %s, and verify-token says %s", a, b)
	}
}

// until waits for another writer's change of the table (T5).
func (g *guarded) until(t *testing.T, path, token string, status int) (r timed) {
	t.Helper()
	waitFor(t, 11*time.Second, "T5: "+path+" answers "+strconv.Itoa(status), func() bool {
		r = g.get(t, path, token)
		return r.status == status
	})
	return r
}

func TestAuthclient_TheServiceIsOutOfReach(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	person, revoked := s.Person(t), s.Person(t)
	logout(t, s, revoked.IDToken)
	wire, url := netfault.URL(t, s.URL)
	g := startGuarded(t, url)
	usual := func() {
		t.Helper()
		g.get(t, "/me", person.IDToken).expect(t, "a good token", http.StatusOK, "")
		g.get(t, "/me", revoked.IDToken).expect(t, "a revoked token", http.StatusUnauthorized, "token_revoked")
	}
	usual()
	for _, name := range []string{"cut", "hanging"} {
		outages[name](wire)
		var all sync.WaitGroup
		for _, token := range []string{person.IDToken, revoked.IDToken, "e30.e30.c2ln"} {
			all.Go(func() {
				r := g.get(t, "/me", token)
				r.expectOutage(t, name, 4*time.Second)
				t.Logf("%s: 503 after %s", name, r.took.Round(time.Millisecond))
			})
		}
		all.Wait()
		g.get(t, "/health", "").expect(t, "what needs no token", http.StatusNoContent, "")
		wire.Restore()
		usual()
	}
}

// Good tokens never get 401, and revoked ones never 200.
func TestAuthclient_TheServiceRestarts(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	port, err := freeport.Choose("127.0.0.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{"PORT": strconv.Itoa(port)}
	s := stack.Start(t, environment)
	person, revoked := s.Person(t), s.Person(t)
	logout(t, s, revoked.IDToken)
	g := startGuarded(t, s.URL)

	var counts sync.Map
	count := func(who string, status int) {
		n, _ := counts.LoadOrStore(who+" "+strconv.Itoa(status), new(atomic.Int64))
		n.(*atomic.Int64).Add(1)
	}
	counted := func(key string) int64 {
		n, found := counts.Load(key)
		if !found {
			return 0
		}
		return n.(*atomic.Int64).Load()
	}
	done := make(chan struct{})
	var all sync.WaitGroup
	for range 2 {
		for who, token := range map[string]string{"good": person.IDToken, "revoked": revoked.IDToken} {
			all.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
						count(who, g.get(t, "/me", token).status)
					}
				}
			})
		}
	}
	more := func(key string) {
		t.Helper()
		before := counted(key)
		waitFor(t, 10*time.Second, key, func() bool { return counted(key) > before+10 })
	}
	more("good 200")
	more("revoked 401")
	s.Stop(t)
	more("good 503")
	more("revoked 503")
	stack.Start(t, environment)
	more("good 200")
	more("revoked 401")
	close(done)
	all.Wait()
	counts.Range(func(key, n any) bool {
		t.Logf("%s: %d", key, n.(*atomic.Int64).Load())
		switch key {
		case "good 200", "good 503", "revoked 401", "revoked 503":
		default:
			t.Errorf("answered %s, expected 200 or 503 to the good token, 401 or 503 to the revoked", key)
		}
		return true
	})
}

func TestAuthclient_AnEndBesideASilentConnection(t *testing.T) {
	t.Parallel()
	g := startGuarded(t, "http://127.0.0.1:1")
	silent, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	if err := g.Stop(); err != nil || g.Err() != nil {
		t.Errorf("the example ended with %v, %v, expected exit code 0", err, g.Err())
	}
}
