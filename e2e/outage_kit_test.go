package e2e

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/servicetest"
)

var outages = map[string]func(*netfault.Wire){"cut": (*netfault.Wire).Cut, "hanging": (*netfault.Wire).Hang}

type timed struct {
	reply
	took time.Duration
}

func askTimed(t testing.TB, s *servicetest.Service, method, path, body string, header ...string) timed {
	t.Helper()
	began := time.Now()
	r := ask(t, s, method, path, body, header...)
	return timed{r, time.Since(began)}
}

// expectOutage requires 503 with Retry-After within limit.
func (r timed) expectOutage(t testing.TB, what string, limit time.Duration) {
	t.Helper()
	r.expect(t, what, http.StatusServiceUnavailable, "dependency_unavailable")
	if r.header.Get("Retry-After") == "" {
		t.Errorf("%s: 503 without Retry-After", what)
	}
	if r.took > limit {
		t.Errorf("%s: answered after %s, expected %s at most", what, r.took, limit)
	}
}

func (r timed) expectWithin(t testing.TB, what string, limit time.Duration) {
	t.Helper()
	if r.status < 200 || r.status > 299 {
		t.Errorf("%s answered %d %s", what, r.status, r.body)
	}
	if r.took > limit {
		t.Errorf("%s: answered after %s, expected %s at most", what, r.took, limit)
	}
}

// settle waits for the subscription, which empties the caches, and then caches every token. Call it before cutting a wire.
func settle(t testing.TB, s *servicetest.Service, tokens ...string) {
	t.Helper()
	options, err := redis.ParseURL(s.RedisURL)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	waitFor(t, 5*time.Second, "the subscription", func() bool {
		listening, err := client.PubSubNumSub(t.Context(), principal.Channel).Result()
		return err == nil && listening[principal.Channel] > 0
	})
	waitFor(t, 5*time.Second, "warm tokens", func() bool {
		return len(s.Queries.During(func() {
			for _, token := range tokens {
				warm(t, s, token)
			}
		})) == 0
	})
}

func verify(t testing.TB, s *servicetest.Service, token string) timed {
	t.Helper()
	return askTimed(t, s, http.MethodPost, "/v1/auth/verify-token", jsonOf(t, map[string]string{"token": token}))
}

func forward(t testing.TB, s *servicetest.Service, token string) timed {
	t.Helper()
	return askTimed(t, s, http.MethodGet, "/v1/auth/forward", "", "Authorization", "Bearer "+token)
}

func logIn(t testing.TB, s *servicetest.Service, email string) timed {
	t.Helper()
	return askTimed(t, s, http.MethodPost, "/v1/auth/login", registerBody(t, email, servicetest.Password))
}

func manyAtOnce(t *testing.T, s *servicetest.Service, tokens []string, check func(r timed)) time.Duration {
	t.Helper()
	answers := make([]timed, len(tokens))
	var all sync.WaitGroup
	for i, token := range tokens {
		all.Go(func() {
			if i%2 == 0 {
				answers[i] = verify(t, s, token)
			} else {
				answers[i] = forward(t, s, token)
			}
		})
	}
	all.Wait()
	var worst time.Duration
	for _, r := range answers {
		check(r)
		worst = max(worst, r.took)
	}
	return worst
}

func expectReady(t testing.TB, s *servicetest.Service, ready bool, failing string) {
	t.Helper()
	r := ask(t, s, http.MethodGet, "/health/ready", "")
	switch {
	case ready:
		r.expect(t, "O2: ready", http.StatusOK, "")
	case r.status != http.StatusServiceUnavailable || !strings.Contains(string(r.body), `"`+failing+`"`):
		t.Errorf("O2: ready answered %d %s, expected 503 naming %s", r.status, r.body, failing)
	}
	ask(t, s, http.MethodGet, "/health/live", "").expect(t, "live", http.StatusOK, "")
}
