package e2e

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

// gate is a proxy before the identity provider. While armed it holds back answers to changes that the provider has made.
type gate struct {
	upstream, url string
	open          chan struct{}

	mu    sync.Mutex
	armed bool
	held  int
	lost  bool // drops held answers
}

func newGate(t testing.TB, s *servicetest.Stack) *gate {
	t.Helper()
	g := &gate{upstream: s.IdentityURL, open: make(chan struct{})}
	server := httptest.NewServer(g)
	t.Cleanup(func() {
		g.release(false)
		server.Close()
	})
	g.url = server.URL
	return g
}

func (g *gate) through(s *servicetest.Stack) *servicetest.Stack {
	gated := *s
	gated.IdentityURL = g.url
	return &gated
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	request, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, g.upstream+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	request.Header = r.Header.Clone()
	request.Header.Del("Accept-Encoding")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body) // the provider has finished
	if err != nil || g.hold(r.URL.Path, body) {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), response.Header)
	w.WriteHeader(response.StatusCode)
	_, _ = w.Write(answer)
}

// hold waits and reports whether to drop the answer.
func (g *gate) hold(path string, body []byte) (lost bool) {
	changes := strings.HasSuffix(path, "accounts:update") || strings.HasSuffix(path, "accounts:delete") ||
		strings.HasSuffix(path, "accounts:resetPassword") && bytes.Contains(body, []byte(`"newPassword"`)) // without it, a lookup
	g.mu.Lock()
	if !g.armed || !changes {
		g.mu.Unlock()
		return false
	}
	g.held++
	g.mu.Unlock()
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lost
}

func (g *gate) arm() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.armed = true
}

func (g *gate) holds() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.held
}

func (g *gate) release(lost bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.open:
	default:
		g.armed, g.lost = false, lost
		close(g.open)
	}
}

type halfChange struct {
	call   string
	ask    func() reply
	alive  func(t testing.TB, s *servicetest.Service) // where Firebase made no change
	settle func(t testing.TB, s *servicetest.Service) // where Firebase made the change
}

// halfChanges prepares each change through s and sends it to at().
func halfChanges(t testing.TB, s *servicetest.Service, at func() *servicetest.Service) []halfChange {
	t.Helper()
	var changes []halfChange
	for _, home := range []string{"hybrid", "firebase"} {
		changes = append(changes, passwordHalf(t, s, home, at), resetHalf(t, s, home, at))
	}
	return append(changes, deleteHalf(t, s, at), emailHalf(t, s, at), bringHalf(t, s, at), displaceHalf(t, s, at))
}

func passwordHalf(t testing.TB, s *servicetest.Service, home string, at func() *servicetest.Service) halfChange {
	t.Helper()
	o := homes[home](t, s)
	return halfChange{
		call: "password change, " + home,
		ask: func() reply {
			return changePassword(t, at(), o.tokens[0], servicetest.Password, newPassword)
		},
		alive:  o.expectAlive,
		settle: func(t testing.TB, s *servicetest.Service) { expectNewPassword(t, s, home, o) },
	}
}

func resetHalf(t testing.TB, s *servicetest.Service, home string, at func() *servicetest.Service) halfChange {
	t.Helper()
	o := homes[home](t, s)
	forgot(t, s, o.email).expect(t, "forgot", 202, "")
	code := mailTo(t, s, "PASSWORD_RESET", o.email)
	return halfChange{
		call:   "password reset, " + home,
		ask:    func() reply { return reset(t, at(), code, newPassword) },
		alive:  o.expectAlive,
		settle: func(t testing.TB, s *servicetest.Service) { expectNewPassword(t, s, home, o) },
	}
}

// expectNewPassword expects that no old session or hash counts (T4, A7).
func expectNewPassword(t testing.TB, s *servicetest.Service, home string, o sessions) {
	t.Helper()
	waitFor(t, halfLimit, "T4: the sessions of before are over", func() bool {
		return ask(t, s, http.MethodPost, "/v1/auth/verify-token", jsonOf(t, map[string]string{"token": o.tokens[0]})).code() == "token_revoked"
	})
	o.expectEnded(t, s)
	if hash := rowOf(t, s.Stack, "id = $1", o.id).Hash; home == "hybrid" && *hash != "!" {
		t.Error("A7: the local hash is of some password")
	}
	expectShutOut(t, s, o.email, servicetest.Password)
	expectSignsIn(t, s, o.email, newPassword)
	if followed := fits(t, s.Stack, o.id, newPassword); followed != (home == "hybrid") {
		t.Errorf("A7: the local hash is of the new password: %t", followed)
	}
}

func deleteHalf(t testing.TB, s *servicetest.Service, at func() *servicetest.Service) halfChange {
	t.Helper()
	o := livesAtFirebase(t, s)
	return halfChange{
		call: "delete",
		ask: func() reply {
			body := jsonOf(t, map[string]string{"currentPassword": servicetest.Password})
			return ask(t, at(), http.MethodDelete, "/v1/auth/me", body, authorized(o.tokens[0])...)
		},
		alive: o.expectAlive,
		settle: func(t testing.TB, s *servicetest.Service) {
			waitFor(t, halfLimit, "the row is deleted", func() bool { return countRows(t, s.Stack, "id = $1", o.id) == 0 })
			refusedAs(t, s, halfLimit, "F10: a token of a deleted account", o.tokens[0], "token_revoked")
			expectEvent(t, s, "user.deleted", o.id, "user:"+o.id.String())
		},
	}
}

func emailHalf(t testing.TB, s *servicetest.Service, at func() *servicetest.Service) halfChange {
	t.Helper()
	operator := newAdmin(t, s.Stack)
	id, _ := atFirebaseRow(t, s.Stack)
	email, username := servicetest.Email(), "renamed "+uuid.NewString()[:8]
	return halfChange{
		call: "an admin's e-mail change",
		ask: func() reply {
			return operator.ask(t, at(), http.MethodPatch, userPath(id), jsonOf(t, map[string]any{"email": email, "username": username}))
		},
		alive: func(t testing.TB, s *servicetest.Service) {
			if countRows(t, s.Stack, "id = $1 AND (email = $2 OR username = $3)", id, email, username) != 0 {
				t.Error("S4: the row has changed, and Firebase has not")
			}
		},
		settle: func(t testing.TB, s *servicetest.Service) {
			waitFor(t, halfLimit, "the row has all of the change", func() bool {
				return countRows(t, s.Stack, "id = $1 AND email = $2 AND username = $3", id, email, username) == 1
			})
			expectEvent(t, s, "user.changed", id, "user:"+operator.id.String())
		},
	}
}

// bringHalf is the first sign-in by a local password for an account without one (A7).
func bringHalf(t testing.TB, s *servicetest.Service, at func() *servicetest.Service) halfChange {
	t.Helper()
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password)
	google := s.Token(t, identityUser(email), "google.com")
	expectUser(t, s, "F3: the link by a verified address", google)
	return halfChange{
		call: "bring a password",
		ask: func() reply {
			return ask(t, at(), http.MethodPost, "/v1/auth/login", registerBody(t, email, servicetest.Password))
		},
		alive: func(t testing.TB, s *servicetest.Service) { expectSignsIn(t, s, email, servicetest.Password) },
		settle: func(t testing.TB, s *servicetest.Service) {
			waitFor(t, halfLimit, "A7: the local hash counts for no older password", func() bool {
				return *rowOf(t, s.Stack, "id = $1", id).Hash == "!"
			})
			expectUser(t, s, "a session of before, whose password nobody has changed", google)
			expectSignsIn(t, s, email, servicetest.Password)
			if !fits(t, s.Stack, id, servicetest.Password) {
				t.Error("A7: the local hash has not followed the sign-in")
			}
			expectUser(t, s, "a session of before", google)
		},
	}
}

// displaceHalf is a move that meets a squatter's account (M6).
func displaceHalf(t testing.TB, s *servicetest.Service, at func() *servicetest.Service) halfChange {
	t.Helper()
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password)
	putUser(t, s.Stack, identity.User{UID: newUID(), Email: email, Password: "SquattersPassword1"})
	execute(t, s.Stack, "UPDATE auth.rollout SET allow = allow || $1::uuid, traffic_buckets = 10000", id)
	return halfChange{
		call: "displacement",
		ask: func() reply {
			return ask(t, at(), http.MethodPost, "/v1/auth/login", registerBody(t, email, servicetest.Password))
		},
		alive: func(t testing.TB, s *servicetest.Service) { expectSignsIn(t, s, email, servicetest.Password) },
		settle: func(t testing.TB, s *servicetest.Service) {
			waitFor(t, halfLimit, "M6: the displacement is on record", func() bool {
				return count(t, s.Stack, "auth.audit_events WHERE action = 'user.identity_displaced' AND user_id = '"+id.String()+"'") == 1
			})
			expectSignsIn(t, s, email, servicetest.Password)
			expectEvent(t, s, "user.identity_displaced", id, "user:"+id.String())
		},
	}
}

func expectEvent(t testing.TB, s *servicetest.Service, action string, id uuid.UUID, actor string) {
	t.Helper()
	where := "auth.audit_events WHERE action = '" + action + "' AND user_id = '" + id.String() + "'"
	if n, by := count(t, s.Stack, where), count(t, s.Stack, where+" AND actor = '"+actor+"' AND request_id IS NOT NULL"); n != 1 || by != 1 {
		t.Errorf("O4: %s is on record %d times, %d times by its actor in its request; expected 1 of each", action, n, by)
	}
}
