package e2e

import (
	"net/http"
	"testing"
	"time"

	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/servicetest"
)

// handlerLimit is the 8 s limit of all operations but verify-token and forward, plus transport.
const handlerLimit = 8*time.Second + 500*time.Millisecond

// O3, T5: unknown tokens get 503 within 2 s, and known ones count for 10 s. Service returns within 5 s.
func TestOutage_Database(t *testing.T) {
	for name, fail := range outages {
		t.Run(name, func(t *testing.T) {
			stack := servicetest.NewStack(t)
			wire, url := netfault.URL(t, stack.DatabaseURL)
			s := stack.Start(t, map[string]string{"DATABASE_URL": url})
			person := s.Person(t)
			cold := make([]string, 80)
			for i := range cold { // half new users, half known ones with a new token
				uid, email := newUID(), servicetest.Email()
				if i < 40 {
					uid, email = person.UID, *person.Email
				}
				cold[i] = mint(t, stack, claims(uid, email, map[string]any{"n": i}))
			}
			past := map[string]any{"exp": in(-time.Hour), "iat": in(-2 * time.Hour), "auth_time": in(-2 * time.Hour)}
			ended := mint(t, stack, claims(person.UID, *person.Email, past))
			settle(t, s, person.IDToken)
			fail(wire)
			warmSince := time.Now()

			worst := manyAtOnce(t, s, cold, func(r timed) { r.expectOutage(t, "O3: unknown, database "+name, 2*time.Second) })
			t.Logf("O3, database %s: 80 at once were answered 503 after %s at worst", name, worst)
			if time.Since(warmSince) < 9*time.Second {
				verify(t, s, person.IDToken).expectWithin(t, "T5: known for less than 10 s, database "+name, 500*time.Millisecond)
				forward(t, s, person.IDToken).expectWithin(t, "T5: known for less than 10 s, database "+name, 500*time.Millisecond)
			}
			verify(t, s, person.IDToken+"x").expect(t, "a bad token, database "+name, http.StatusUnauthorized, invalid)
			verify(t, s, ended).expect(t, "an expired token, database "+name, http.StatusUnauthorized, expired)
			expectReady(t, s, false, "database")
			askTimed(t, s, http.MethodGet, "/health/schema", "").expectOutage(t, "health of the schema, database "+name, 2*time.Second)
			login := logIn(t, s, *person.Email)
			login.expectOutage(t, "login, database "+name, handlerLimit)
			waitFor(t, 11*time.Second, "T5: facts of 10 s are not believed, database "+name, func() bool {
				return verify(t, s, person.IDToken).code() == "dependency_unavailable"
			})
			profile := askTimed(t, s, http.MethodGet, "/v1/auth/me", "", "Authorization", "Bearer "+person.IDToken)
			profile.expectOutage(t, "me, database "+name, handlerLimit)
			t.Logf("database %s: login was answered 503 after %s, me after %s", name, login.took, profile.took)

			wire.Restore()
			back := waitFor(t, 5*time.Second, "200 after the database is back", func() bool {
				return verify(t, s, cold[0]).status == http.StatusOK
			})
			t.Logf("database %s: 200 %s after its return", name, back)
			manyAtOnce(t, s, cold, func(r timed) { r.expectWithin(t, "after the database's return", 5*time.Second) })
			logIn(t, s, *person.Email).expectWithin(t, "login after the database's return", 5*time.Second)
			expectReady(t, s, true, "")
		})
	}
}

func TestOutage_WarmTokensWaitForNoDatabase(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	wire, url := netfault.URL(t, stack.DatabaseURL)
	s := stack.Start(t, map[string]string{"DATABASE_URL": url})
	tokens := make([]string, 40)
	for i := range tokens {
		tokens[i] = mint(t, stack, claims(newUID(), servicetest.Email()))
	}
	settle(t, s, tokens...)
	wire.Hang()
	worst := manyAtOnce(t, s, tokens, func(r timed) { r.expectWithin(t, "E1: warm, database hanging", time.Second) })
	t.Logf("E1: 40 warm tokens at once were answered after %s at worst while the database hung", worst)
}
