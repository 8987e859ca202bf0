package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/devstack/child"
	"auth-v2-service/internal/devstack/freeport"
	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/servicetest"
)

var platform = []struct{ name, script, path string }{
	{"assessment-service", "assessment-service.cjs", "/api/assessments"},
	{"archive-service", "archive-service.mjs", "/api/archive"},
	{"chatbot-service", "chatbot-service.cjs", "/api/chat"},
}

// tokenKinds needs a row for each new kind of token.
var tokenKinds = []struct {
	kind   string
	signIn func(t testing.TB, s *servicetest.Service) signedIn
}{
	{"firebase", func(t testing.TB, s *servicetest.Service) signedIn {
		person := s.Person(t)
		return signedIn{person.User.ID.String(), person.IDToken}
	}},
	{"legacy", func(t testing.TB, s *servicetest.Service) signedIn {
		email := servicetest.Email()
		id := localUser(t, s.Stack, email, servicetest.Password)
		return signedIn{id.String(), legacyLogin(t, s, email, servicetest.Password).AccessToken}
	}},
}

type signedIn struct{ id, token string }

type expressService struct {
	guarded
	name, path string
}

func (e *expressService) ask(t testing.TB, token string, header ...string) timed {
	t.Helper()
	return e.get(t, e.path, token, header...)
}

func startPlatform(t *testing.T, authURL string) []*expressService {
	t.Helper()
	folder := expressFolder(t)
	started := make([]*expressService, len(platform))
	for i, p := range platform {
		started[i] = startExpress(t, folder, p.script, authURL)
		started[i].name, started[i].path = p.name, p.path
	}
	return started
}

func expressFolder(t *testing.T) string {
	t.Helper()
	source, err := filepath.Abs("../clients/express")
	if err != nil {
		t.Fatal(err)
	}
	installPackages(t, source)
	folder := t.TempDir()
	modules := filepath.Join(folder, "node_modules")
	installed := filepath.Join(modules, "@auth-v2", "express")
	if err := os.MkdirAll(installed, 0o750); err != nil {
		t.Fatal(err)
	}
	tsc := exec.CommandContext(t.Context(), "node", filepath.Join(source, "node_modules", "typescript", "bin", "tsc"),
		"-p", source, "--outDir", filepath.Join(installed, "dist"))
	if output, err := tsc.CombinedOutput(); err != nil {
		t.Fatalf("clients/express does not compile: %v\n%s", err, output)
	}
	manifest, err := os.ReadFile(filepath.Join(source, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(installed, "package.json"), manifest, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"express", "express4"} {
		if err := os.Symlink(filepath.Join(source, "node_modules", name), filepath.Join(modules, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(folder, os.DirFS("services")); err != nil {
		t.Fatal(err)
	}
	return folder
}

func startExpress(t *testing.T, folder, script, authURL string) *expressService {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatalf("run Node (20 or later): %v", err)
	}
	e := &expressService{guarded: guarded{log: &servicetest.Log{}}}
	reader, writer := io.Pipe()
	if e.Process, err = child.Start(child.Options{
		Path: node, Args: []string{filepath.Join(folder, script)}, Env: []string{"AUTH_V2_SERVICE_URL=" + authURL},
		Stdout: io.MultiWriter(e.log, writer), Stderr: e.log,
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = writer.Close()
		if err := e.Stop(); err != nil || e.Err() != nil {
			t.Errorf("%s ended with %v, %v, expected exit code 0 after SIGTERM\n%s", script, err, e.Err(), e.log)
		}
		if strings.Contains(e.log.String(), "eyJ") {
			t.Errorf("T6: the log of %s holds a token:\n%s", script, e.log)
		}
	})
	port := make(chan string, 1)
	go func() {
		lines := bufio.NewReader(reader)
		if line, err := lines.ReadString('\n'); err == nil {
			port <- strings.TrimSpace(line)
		}
		_, _ = io.Copy(io.Discard, lines)
	}()
	select {
	case found := <-port:
		e.url = "http://127.0.0.1:" + found
	case <-e.Done():
		t.Fatalf("%s ended before it served: %v\n%s", script, e.Err(), e.log)
	case <-time.After(20 * time.Second):
		t.Fatalf("%s did not serve within 20 s\n%s", script, e.log)
	}
	return e
}

// expectKnown compares the caller with verify-token's answer.
func (e *expressService) expectKnown(t testing.TB, s *servicetest.Service, token, kind string, header ...string) {
	t.Helper()
	r := e.ask(t, token, header...)
	r.expect(t, e.name+", a good token", http.StatusOK, "")
	var here, there struct {
		Data struct{ User, Auth, Token map[string]any }
	}
	if json.Unmarshal(r.body, &here) != nil || json.Unmarshal(verify(t, s, token).body, &there) != nil {
		t.Fatalf("%s: %s is not JSON", e.name, r.body)
	}
	auth := there.Data.Token
	for _, name := range []string{"username", "firebase_uid"} {
		auth[name] = there.Data.User[name]
		delete(there.Data.User, name)
	}
	if a, b := jsonOf(t, here.Data.User), jsonOf(t, there.Data.User); a != b {
		t.Errorf("%s: req.user is %s, and verify-token says %s", e.name, a, b)
	}
	if a, b := jsonOf(t, here.Data.Auth), jsonOf(t, auth); a != b || auth["kind"] != kind {
		t.Errorf("%s: req.auth is %s, and verify-token says %s, expected the kind %s", e.name, a, b, kind)
	}
}

// The plan's script: register, me, verify-token, the assessment service, login, me.
func TestServices_PlanScript(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	assessment := startPlatform(t, s.URL)[0]
	email := servicetest.Email()
	registered, err := s.API.RegisterWithResponse(t.Context(), client.RegisterInput{
		Email: email, Password: servicetest.Password, DisplayName: new("Integration Test User"),
	})
	if err != nil || registered.JSON201 == nil {
		t.Fatalf("register: %v %s\n%s", err, registered.Body, s.Log)
	}
	first := me(t, s, registered.JSON201.Data.IDToken)
	if first.TokenBalance != 0 {
		t.Errorf("a new person has %d tokens, expected 0", first.TokenBalance)
	}
	if user := expectUser(t, s, "registered", registered.JSON201.Data.IDToken); user.ID != first.ID {
		t.Errorf("verify-token names %s, and me %s", user.ID, first.ID)
	}
	assessment.expectKnown(t, s, registered.JSON201.Data.IDToken, "firebase")

	session, err := s.API.LoginWithResponse(t.Context(), client.LoginInput{Email: email, Password: servicetest.Password})
	if err != nil || session.JSON200 == nil {
		t.Fatalf("login: %v %s", err, session.Body)
	}
	second := me(t, s, session.JSON200.Data.IDToken)
	if second.ID != first.ID || !second.LastLogin.After(*first.LastLogin) {
		t.Errorf("after login me answers %+v, expected the same person with a later last_login than %s", second, first.LastLogin)
	}
	assessment.expectKnown(t, s, session.JSON200.Data.IDToken, "firebase")
}

func TestServices_InTheServicesWords(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	all := startPlatform(t, s.URL)
	for _, k := range tokenKinds {
		t.Run(k.kind, func(t *testing.T) {
			person, other, admin := k.signIn(t, s), k.signIn(t, s), k.signIn(t, s)
			for _, e := range all {
				e.expectKnown(t, s, person.token, k.kind)
				e.expectKnown(t, s, person.token, k.kind, "X-User-Id", other.id, "X_User_Type", "admin", "X.Auth.Kind", "root")
				e.ask(t, "").expect(t, e.name+", no token", http.StatusUnauthorized, "token_missing")
				e.ask(t, person.token, "Authorization", "Bearer "+other.token).
					expect(t, e.name+", two tokens", http.StatusBadRequest, "invalid_request")
				e.ask(t, "e30.e30.c2ln").
					expectAs(t, e.name+", no token of ours", verify(t, s, "e30.e30.c2ln").reply, http.StatusUnauthorized, "token_invalid")
			}
			expectNoIdentityHeader(t, all[2], person.token)

			archive := all[1]
			archive.get(t, "/api/archive/all", person.token).expect(t, "a user among admins", http.StatusForbidden, "forbidden")
			execute(t, s.Stack, "UPDATE auth.users SET user_type = 'admin' WHERE id = $1", admin.id)
			archive.until(t, "/api/archive/all", admin.token, http.StatusOK)

			logout(t, s, person.token)
			for _, e := range all {
				e.ask(t, person.token).
					expectAs(t, "T4: "+e.name+", logged out", verify(t, s, person.token).reply, http.StatusUnauthorized, "token_revoked")
			}
			execute(t, s.Stack, "UPDATE auth.users SET is_active = false WHERE id = $1", other.id)
			for _, e := range all {
				e.until(t, e.path, other.token, http.StatusForbidden).
					expectAs(t, "F9: "+e.name+", deactivated", verify(t, s, other.token).reply, http.StatusForbidden, "account_deactivated")
			}
		})
	}
}

// expectNoIdentityHeader asks for the headers that the route saw (G4).
func expectNoIdentityHeader(t testing.TB, e *expressService, token string) {
	t.Helper()
	var seen struct {
		Data struct {
			Headers    []string
			RawHeaders int
		}
	}
	r := e.ask(t, token, "X-User-Id", "1", "x_user_type", "admin", "X-Kept", "1")
	if err := json.Unmarshal(r.body, &seen); err != nil {
		t.Fatalf("%s answered %s: %v", e.name, r.body, err)
	}
	names := seen.Data.Headers
	foreign := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.HasPrefix(name, "x") })
	if !slices.Equal(foreign, []string{"x-kept"}) || seen.Data.RawHeaders != 2*len(names) {
		t.Errorf("G4: the route saw %q and %d raw names and values", names, seen.Data.RawHeaders)
	}
}

func TestServices_TheServiceIsOutOfReach(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	wire, url := netfault.URL(t, s.URL)
	all := startPlatform(t, url)
	for _, k := range tokenKinds {
		person, revoked := k.signIn(t, s), k.signIn(t, s)
		logout(t, s, revoked.token)
		for _, name := range []string{"cut", "hanging"} {
			outages[name](wire)
			var asking sync.WaitGroup
			for _, e := range all {
				for _, token := range []string{person.token, revoked.token, "e30.e30.c2ln"} {
					asking.Go(func() { e.ask(t, token).expectOutage(t, fmt.Sprint(k.kind, ", ", e.name, ", ", name), 4*time.Second) })
				}
				e.get(t, "/health", "").expect(t, "what needs no token", http.StatusNoContent, "")
			}
			asking.Wait()
			wire.Restore()
			for _, e := range all {
				e.ask(t, person.token).expect(t, e.name+", a good token", http.StatusOK, "")
				e.ask(t, revoked.token).expect(t, e.name+", a revoked token", http.StatusUnauthorized, "token_revoked")
			}
		}
	}
}

type statusCount struct {
	sync.Mutex
	counts map[string]int
}

func (c *statusCount) add(what string) {
	c.Lock()
	defer c.Unlock()
	c.counts[what]++
}

func (c *statusCount) of(what string) int {
	c.Lock()
	defer c.Unlock()
	return c.counts[what]
}

// No 401 for a good token, and no 200 for a revoked one.
func TestServices_TheServiceRestarts(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	port, err := freeport.Choose("127.0.0.1", 0)
	if err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{"PORT": strconv.Itoa(port)}
	s := stack.Start(t, environment)
	all := startPlatform(t, s.URL)
	seen := statusCount{counts: map[string]int{}}
	done := make(chan struct{})
	var asking sync.WaitGroup
	var good, refused, away []string
	for _, k := range tokenKinds {
		person, revoked := k.signIn(t, s), k.signIn(t, s)
		logout(t, s, revoked.token)
		for _, e := range all {
			for who, token := range map[string]string{"good": person.token, "revoked": revoked.token} {
				name := strings.Join([]string{e.name, k.kind, who}, " ")
				asking.Go(func() {
					for {
						select {
						case <-done:
							return
						default:
							seen.add(name + " " + strconv.Itoa(e.ask(t, token).status))
						}
					}
				})
				away = append(away, name+" 503")
				if who == "good" {
					good = append(good, name+" 200")
				} else {
					refused = append(refused, name+" 401")
				}
			}
		}
	}
	more := func(names ...string) {
		t.Helper()
		for _, name := range names {
			before := seen.of(name)
			waitFor(t, 10*time.Second, name, func() bool { return seen.of(name) > before+10 })
		}
	}
	more(slices.Concat(good, refused)...)
	s.Stop(t)
	more(away...)
	stack.Start(t, environment)
	more(slices.Concat(good, refused)...)
	close(done)
	asking.Wait()
	expected := slices.Concat(good, refused, away)
	for name, n := range seen.counts {
		t.Logf("%s: %d", name, n)
		if !slices.Contains(expected, name) {
			t.Errorf("answered %s %d times, expected 200 or 503 to the good token, 401 or 503 to the revoked", name, n)
		}
	}
}
