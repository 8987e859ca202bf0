package e2e

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

// slow delays Firebase, so that all requests overlap.
func slow(t *testing.T, s *servicetest.Service, operation string, delay time.Duration) {
	t.Helper()
	fault(t, s, identity.Fault{Match: operation, Kind: identity.FaultDelay, Delay: delay})
}

// One of sixty tokens asks; a caller that leaves stops no other.
func TestSharedQuestions_OneDispute_F7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	person := s.Person(t)
	uid := newUID()
	tokens := make([]string, 60)
	for i := range tokens {
		tokens[i] = mint(t, s.Stack, claims(uid, *person.Email, map[string]any{"nonce": i}))
	}
	slow(t, s, "accounts:lookup", 300*time.Millisecond)
	leaving, leave := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		request, err := http.NewRequestWithContext(leaving, http.MethodGet, s.URL+"/v1/auth/me", nil)
		if err != nil {
			t.Error(err)
			return
		}
		request.Header.Set("Authorization", "Bearer "+tokens[0])
		if answer, err := http.DefaultClient.Do(request); err == nil {
			_ = answer.Body.Close()
		}
	})
	eventually(t, "the first has asked", func() bool { return s.Identity.FaultHits()[0] == 1 })
	leave()
	for _, token := range tokens {
		all.Go(func() {
			if status, code, _ := s.Verify(t, token); status != http.StatusConflict {
				t.Errorf("F7: answered %d %s, expected 409", status, code)
			}
		})
	}
	all.Wait()
	if asked := s.Identity.FaultHits()[0]; asked != 1 {
		t.Errorf("F7: Firebase was asked %d times, expected once", asked)
	}
}

func TestSharedQuestions_AnOutageIsNotKept_F7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	person := s.Person(t)
	token := mint(t, s.Stack, claims(newUID(), *person.Email))
	fault(t, s, identity.Fault{Match: "accounts:lookup", Kind: identity.FaultUnavailable})
	expectRefusal(t, s, "F7: while Firebase is away", token, http.StatusServiceUnavailable, "dependency_unavailable")
	s.Identity.ClearFaults()
	expectRefusal(t, s, "F7: when it is back", token, http.StatusConflict, "identity_conflict")
}

func TestSharedQuestions_OneRefresh_M9(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	o := moved(t, s)
	for operation, token := range map[string]string{"/v1/token": o.firebaseTokens[0], "signInWithCustomToken": o.legacyRefresh} {
		s.Identity.ClearFaults()
		slow(t, s, operation, 1500*time.Millisecond)
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() { refresh(t, s, "/v1/auth/refresh", token).expect(t, "a refresh", http.StatusOK, "") })
		}
		all.Wait()
		if asked := s.Identity.FaultHits()[0]; asked != 1 {
			t.Errorf("%s was asked %d times, expected once", operation, asked)
		}
	}
}
