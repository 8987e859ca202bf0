package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/redistest"
	"auth-v2-service/internal/testkit/servicetest"
)

// O2, T7: all serves on, limits included.
func TestOutage_Redis(t *testing.T) {
	t.Parallel()
	for name, fail := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := servicetest.NewStack(t)
			wire, url := netfault.URL(t, stack.RedisURL)
			s := stack.Start(t, map[string]string{"REDIS_URL": url, "RATE_LIMIT": "on"})
			fail(wire)
			const limit = 2500 * time.Millisecond
			email := servicetest.Email()
			register := askTimed(t, s, http.MethodPost, "/v1/auth/register", registerBody(t, email, servicetest.Password))
			register.expectWithin(t, "register, Redis "+name, limit)
			login := logIn(t, s, email)
			login.expectWithin(t, "login, Redis "+name, limit)
			var session struct {
				Data struct{ IDToken, RefreshToken string }
			}
			if err := json.Unmarshal(login.body, &session); err != nil {
				t.Fatal(err)
			}
			bearer := []string{"Authorization", "Bearer " + session.Data.IDToken}
			first := verify(t, s, mint(t, stack, claims(newUID(), servicetest.Email())))
			first.expectWithin(t, "first sight, Redis "+name, limit)
			known := verify(t, s, session.Data.IDToken)
			known.expectWithin(t, "verify-token, Redis "+name, limit)
			refresh := askTimed(t, s, http.MethodPost, "/v1/auth/refresh", jsonOf(t, map[string]string{"refreshToken": session.Data.RefreshToken}))
			refresh.expectWithin(t, "refresh, Redis "+name, limit)
			rename := askTimed(t, s, http.MethodPatch, "/v1/auth/me", `{"username":"renamed"}`, bearer...)
			rename.expectWithin(t, "rename, Redis "+name, limit)
			expectReady(t, s, true, "")
			health := ask(t, s, http.MethodGet, "/health", "")
			if health.status != http.StatusOK || !strings.Contains(string(health.body), "degraded") {
				t.Errorf("O2: health answered %d %s, expected 200 degraded", health.status, health.body)
			}
			ask(t, s, http.MethodGet, "/health", "")
			if said := strings.Count(s.Log.String(), "an optional dependency is failing"); said != 1 {
				t.Errorf("O2: the log says %d times that Redis is failing, expected once for two looks", said)
			}
			out := askTimed(t, s, http.MethodPost, "/v1/auth/logout", "", bearer...)
			out.expectWithin(t, "logout, Redis "+name, limit)
			verify(t, s, session.Data.IDToken).expect(t, "T5: after logout, Redis "+name, http.StatusUnauthorized, "token_revoked")
			t.Logf("Redis %s: register %s, login %s, first sight %s, verify-token %s, refresh %s, rename %s, logout %s", name,
				register.took, login.took, first.took, known.took, refresh.took, rename.took, out.took)
		})
	}
}

// O2, T5, A4: Redis answers PING but refuses writes.
func TestOutage_RedisRefuses(t *testing.T) {
	t.Parallel()
	for _, refusal := range redistest.Refusals() {
		t.Run(refusal.Name, func(t *testing.T) {
			t.Parallel()
			stack := servicetest.NewStack(t)
			stack.RedisURL = redistest.Real(t)
			here, there := stack.Start(t, map[string]string{"RATE_LIMIT": "on"}), stack.Start(t, map[string]string{"RATE_LIMIT": "on"})
			state := func() string {
				health := ask(t, here, http.MethodGet, "/health", "")
				health.expect(t, "health", http.StatusOK, "")
				var answer struct{ Data struct{ Status string } }
				if err := json.Unmarshal(health.body, &answer); err != nil {
					t.Fatal(err)
				}
				return answer.Data.Status
			}
			if got := state(); got != "ok" {
				t.Fatalf("O2: health is %s before anything happens", got)
			}
			options, err := redis.ParseURL(stack.RedisURL)
			if err != nil {
				t.Fatal(err)
			}
			client := redis.NewClient(options)
			defer func() { _ = client.Close() }()
			redistest.Do(t, client, refusal.Refuse)

			email := servicetest.Email()
			registered := ask(t, here, http.MethodPost, "/v1/auth/register", registerBody(t, email, servicetest.Password))
			registered.expect(t, "register", http.StatusCreated, "")
			var session struct{ Data struct{ IDToken string } }
			if err := json.Unmarshal(logIn(t, here, email).body, &session); err != nil {
				t.Fatal(err)
			}
			token := session.Data.IDToken
			for _, s := range []*servicetest.Service{here, there} {
				verify(t, s, token).expect(t, "verify-token", http.StatusOK, "")
			}
			ask(t, here, http.MethodPost, "/v1/auth/logout", "", "Authorization", "Bearer "+token).expect(t, "logout", http.StatusOK, "")
			if !within(time.Second, func() bool { return verify(t, there, token).status == http.StatusUnauthorized }) {
				t.Error("T5: the other instance accepts the session a second after its end")
			}
			if !within(2*time.Second, func() bool { return state() == "degraded" }) {
				t.Error("O2: health is ok while Redis refuses, expected degraded")
			}
			expectReady(t, here, true, "")
			if wrong := logInWrongly(t, here, email, 12); wrong == 0 {
				t.Error("A4: twelve wrong passwords were tried, and none was refused")
			}
			if said := strings.Count(here.Log.String(), "Redis does not serve, limits are counted"); said != 1 {
				t.Errorf("the log says %d times that limits are not shared, expected once", said)
			}
			redistest.Do(t, client, refusal.Serve)
			eventually(t, "O2: health is ok when Redis serves again", func() bool { return state() == "ok" })
		})
	}
}

func logInWrongly(t *testing.T, s *servicetest.Service, email string, times int) (refused int) {
	t.Helper()
	for range times {
		if ask(t, s, http.MethodPost, "/v1/auth/login", jsonOf(t, map[string]string{"email": email, "password": "not the password"})).status == http.StatusTooManyRequests {
			refused++
		}
	}
	return refused
}

// T3: the keys come from PostgreSQL.
func TestOutage_KeyServerAwayWhenRestarted(t *testing.T) {
	t.Parallel()
	for name, fail := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := servicetest.NewStack(t)
			wire, url := netfault.URL(t, stack.CertsURL)
			env := map[string]string{"FIREBASE_CERTS_URL": url}
			first := stack.Start(t, env)
			person := first.Person(t)
			waitFor(t, 5*time.Second, "the keys are kept", func() bool { return count(t, stack, "auth.verification_keys") == 1 })
			fail(wire)
			expectUser(t, first, "T3: running on", mint(t, stack, claims(newUID(), servicetest.Email())))
			first.Stop(t)
			began := time.Now()
			second := stack.Start(t, env)
			t.Logf("T3, key server %s: restarted in %s", name, time.Since(began))
			expectUser(t, second, "T3: after the restart", person.IDToken)
			expectUser(t, second, "T3: somebody new after the restart", mint(t, stack, claims(newUID(), servicetest.Email())))
			logIn(t, second, *person.Email).expectWithin(t, "T3: login after the restart", 2*time.Second)
			expectReady(t, second, true, "")
		})
	}
}

// T3, O2: not ready, 503 and never 401, then recovery.
func TestOutage_NoKeysAtAll(t *testing.T) {
	t.Parallel()
	for name, fail := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := servicetest.NewStack(t)
			wire, url := netfault.URL(t, stack.CertsURL)
			fail(wire)
			s := stack.Start(t, map[string]string{"FIREBASE_CERTS_URL": url})
			tokens := make([]string, 20)
			for i := range tokens {
				tokens[i] = mint(t, stack, claims(newUID(), servicetest.Email()))
			}
			worst := manyAtOnce(t, s, tokens, func(r timed) { r.expectOutage(t, "T3: no keys", 2*time.Second) })
			t.Logf("T3, key server %s, no keys: 503 after %s at worst", name, worst)
			verify(t, s, "no.token.atall").expect(t, "malformed, without keys", http.StatusUnauthorized, invalid)
			expectReady(t, s, false, "keys")
			wire.Restore()
			back := waitFor(t, 15*time.Second, "ready after the key server is back", func() bool {
				return ask(t, s, http.MethodGet, "/health/ready", "").status == http.StatusOK
			})
			t.Logf("T3: ready %s after the key server's return", back)
			expectUser(t, s, "T3: with keys", tokens[0])
		})
	}
}

// O2, A1: tokens are still verified, and a registration continues later.
func TestOutage_Firebase(t *testing.T) {
	t.Parallel()
	for name, fail := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := servicetest.NewStack(t)
			wire, url := netfault.URL(t, stack.IdentityURL)
			s := stack.Start(t, map[string]string{"FIREBASE_AUTH_EMULATOR_HOST": strings.TrimPrefix(url, "http://")})
			person := s.Person(t)
			fail(wire)
			expectUser(t, s, "O2: known, Firebase "+name, person.IDToken)
			expectUser(t, s, "O2: new, Firebase "+name, mint(t, stack, claims(newUID(), servicetest.Email())))
			login := logIn(t, s, *person.Email)
			login.expectOutage(t, "login, Firebase "+name, handlerLimit)
			newcomer := registerBody(t, servicetest.Email(), servicetest.Password)
			register := askTimed(t, s, http.MethodPost, "/v1/auth/register", newcomer)
			register.expectOutage(t, "register, Firebase "+name, handlerLimit)
			refresh := askTimed(t, s, http.MethodPost, "/v1/auth/refresh", jsonOf(t, map[string]string{"refreshToken": person.RefreshToken}))
			refresh.expectOutage(t, "refresh, Firebase "+name, handlerLimit)
			bearer := []string{"Authorization", "Bearer " + person.IDToken}
			remove := askTimed(t, s, http.MethodDelete, "/v1/auth/me", "", bearer...)
			remove.expectOutage(t, "delete, Firebase "+name, handlerLimit)
			askTimed(t, s, http.MethodGet, "/v1/auth/me", "", bearer...).expectWithin(t, "me, Firebase "+name, 2*time.Second)
			expectReady(t, s, true, "")
			t.Logf("Firebase %s: 503 for login after %s, register %s, refresh %s, delete %s", name, login.took, register.took, refresh.took, remove.took)
			wire.Restore()
			askTimed(t, s, http.MethodPost, "/v1/auth/register", newcomer).expectWithin(t, "A1: the registration goes on", 5*time.Second)
			logIn(t, s, *person.Email).expectWithin(t, "login, Firebase back", 5*time.Second)
			askTimed(t, s, http.MethodDelete, "/v1/auth/me", "", bearer...).expectWithin(t, "delete, Firebase back", 5*time.Second)
		})
	}
}
