package e2e

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

// beat leaves room for a hash under the race detector.
const beat = 200 * time.Millisecond

// Times are only reported, since one run cannot assert a distribution.
func TestLoginTiming_OneAnswer_A3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, map[string]string{"LOGIN_FAILURE_MS": "200"})
	person, disabled := s.Person(t), s.Person(t)
	there := s.Person(t)
	s.Identity.SetDisabled(there.UID, true)
	local, gone := servicetest.Email(), servicetest.Email()
	localUser(t, s.Stack, local, servicetest.Password)
	localUser(t, s.Stack, gone, servicetest.Password, map[string]any{"is_active": false})
	execute(t, s.Stack, "UPDATE auth.users SET is_active = false WHERE id = $1", disabled.User.ID)
	google := servicetest.Email() // no password at Firebase
	s.Token(t, identity.User{Email: google, EmailVerified: true}, "google.com")
	kinds := []struct{ name, email string }{
		{"unknown e-mail", ""},
		{"wrong password, local", local},
		{"wrong password, at Firebase", *person.Email},
		{"disabled, local", gone},
		{"disabled, at Firebase", *disabled.Email},
		{"disabled by Firebase", *there.Email},
		{"at Firebase without a password", google},
	}
	const tries = 200
	took := make([][]time.Duration, len(kinds))
	for try := range tries {
		answers := make([]timed, len(kinds))
		var all sync.WaitGroup
		for _, k := range rand.Perm(len(kinds)) {
			email := kinds[k].email
			if email == "" {
				email = servicetest.Email()
			}
			path := []string{"/v1/auth/login", "/api/v1/auth/login"}[try%2]
			all.Go(func() { answers[k] = askTimed(t, s, http.MethodPost, path, registerBody(t, email, "WrongPassword1")) })
		}
		all.Wait()
		for k, answer := range answers {
			answer.expect(t, kinds[k].name, http.StatusUnauthorized, "invalid_credentials")
			if mine, first := withoutID(t, answer), withoutID(t, answers[0]); !bytes.Equal(mine, first) {
				t.Errorf("A3: %s is told %s, and an unknown e-mail %s", kinds[k].name, mine, first)
			}
			if answer.took < beat {
				t.Errorf("A3: %s: answered after %s, expected %s at least", kinds[k].name, answer.took, beat)
			}
			took[k] = append(took[k], answer.took)
		}
	}
	for k, kind := range kinds {
		slices.Sort(took[k])
		at := func(share float64) time.Duration { return took[k][int(share*(tries-1))].Round(10 * time.Microsecond) }
		t.Logf("%-32s p5 %s, median %s, p95 %s, AUC against an unknown e-mail %.3f (0.5: cannot be told apart)",
			kind.name, at(.05), at(.5), at(.95), areaUnderCurve(took[0], took[k]))
	}
}

func withoutID(t *testing.T, answer timed) []byte {
	t.Helper()
	id := answer.header.Get("X-Request-Id")
	if id == "" {
		t.Error("a refusal without X-Request-Id")
	}
	header := answer.header.Clone()
	for _, name := range []string{"X-Request-Id", "Date"} {
		header.Del(name)
	}
	return append([]byte(jsonOf(t, header)), bytes.ReplaceAll(answer.body, []byte(id), nil)...)
}

// areaUnderCurve is the probability that b exceeds a; 0.5 means equal.
func areaUnderCurve(a, b []time.Duration) float64 {
	longer := 0.0
	for _, x := range b {
		for _, y := range a {
			switch {
			case x > y:
				longer++
			case x == y:
				longer += .5
			}
		}
	}
	return longer / float64(len(a)*len(b))
}
