package e2e

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"auth-v2-service/internal/apikey"
	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/servicetest"
)

// revocations reads REVOCATIONS; default 5.
func revocations(t *testing.T) int {
	t.Helper()
	asked := os.Getenv("REVOCATIONS")
	if asked == "" {
		return 5
	}
	n, err := strconv.Atoi(asked)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// bystanders verify one token over 32 connections, plus one request every 20 ms at each instance.
type bystanders struct {
	client *http.Client
	body   string
	stop   context.CancelFunc
	all    sync.WaitGroup

	lock     sync.Mutex
	accepted int
	lastSent time.Time // last accepted request
	lastSaid time.Time // its answer
	refused  map[string]int
	odd      string // any other answer
}

func newBystanders(t *testing.T, token, refusal string, instances []*servicetest.Service) *bystanders {
	t.Helper()
	body, err := json.Marshal(map[string]string{"token": token})
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	c := &bystanders{client: &http.Client{Transport: transport, Timeout: 5 * time.Second}, body: string(body), refused: map[string]int{}}
	ctx, stop := context.WithCancel(t.Context())
	c.stop = func() { stop(); c.all.Wait(); transport.CloseIdleConnections() }
	for i := range 32 {
		c.all.Go(func() {
			for ctx.Err() == nil {
				c.ask(ctx, instances[i%len(instances)].URL, "", refusal)
			}
		})
	}
	for _, s := range instances {
		c.all.Go(func() {
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for ctx.Err() == nil {
				c.ask(ctx, s.URL, s.URL, refusal)
				<-tick.C
			}
		})
	}
	return c
}

func (c *bystanders) ask(ctx context.Context, url, poller, refusal string) {
	sent := time.Now()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/auth/verify-token", strings.NewReader(c.body))
	if err != nil {
		return
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.client.Do(request)
	if err != nil {
		return // stopped
	}
	answer, _ := io.ReadAll(response.Body)
	_ = response.Body.Close()
	c.lock.Lock()
	defer c.lock.Unlock()
	switch {
	case response.StatusCode == http.StatusOK:
		c.accepted++
		if sent.After(c.lastSent) {
			c.lastSent, c.lastSaid = sent, time.Now()
		}
		clear(c.refused)
	case servicetest.Code(answer) == refusal:
		c.refused[poller]++
	case ctx.Err() == nil:
		c.odd = string(answer)
	}
}

func (c *bystanders) everybodyRefused(instances []*servicetest.Service, times int) bool {
	c.lock.Lock()
	defer c.lock.Unlock()
	for _, s := range instances {
		if c.refused[s.URL] < times {
			return false
		}
	}
	return true
}

// T4, T5: no request sent a second after the revocation is accepted, with or without Redis.
func TestRevocation_IsHeardEverywhereUnderLoad(t *testing.T) {
	for _, way := range []struct {
		name, code string
		redisCut   bool
		revoke     func(t *testing.T, s *servicetest.Service, token string, uid string)
	}{
		{"logout", "token_revoked", false, byLogout},
		{"SQL", "account_deactivated", false, bySQL},
		{"an operator", "account_deactivated", false, byOperator},
		{"an operator, Redis cut", "account_deactivated", true, byOperator},
		{"logout, Redis cut", "token_revoked", true, byLogout},
		{"SQL, Redis cut", "account_deactivated", true, bySQL},
	} {
		t.Run(way.name, func(t *testing.T) {
			stack := servicetest.NewStack(t)
			toRedis, url := netfault.URL(t, stack.RedisURL)
			var instances []*servicetest.Service
			for range 4 {
				instances = append(instances, stack.Start(t, map[string]string{"REDIS_URL": url}))
			}
			if way.redisCut {
				toRedis.Cut()
			}
			var worst, worstSaid time.Duration
			n := revocations(t)
			for range n {
				sent, said := revokeInACrowd(t, instances, way.code, way.revoke)
				worst, worstSaid = max(worst, sent), max(worstSaid, said)
			}
			t.Logf("T5, %s: of %d the last accepted request was sent %s after the answer at worst, and answered %s after it",
				way.name, n, worst.Round(time.Millisecond), worstSaid.Round(time.Millisecond))
			if worst >= time.Second {
				t.Errorf("T5: %s: accepted %s after the answer, expected less than a second", way.name, worst)
			}
		})
	}
}

func byLogout(t *testing.T, s *servicetest.Service, token, _ string) { t.Helper(); logout(t, s, token) }

func bySQL(t *testing.T, s *servicetest.Service, _, uid string) {
	t.Helper()
	execute(t, s.Stack, "UPDATE auth.users SET is_active = false WHERE firebase_uid = $1", uid)
}

func byOperator(t *testing.T, s *servicetest.Service, _, uid string) {
	t.Helper()
	key, _ := newKey(t, s.Stack, apikey.Admin)
	id := rowOf(t, s.Stack, "firebase_uid = $1", uid).ID
	ask(t, s, http.MethodPost, userPath(id)+"/deactivate", "", keyHeader, key).expect(t, "deactivate", 200, "")
}

// revokeInACrowd returns how long after the revocation the last accepted request was sent and answered.
func revokeInACrowd(
	t *testing.T, instances []*servicetest.Service, code string, revoke func(*testing.T, *servicetest.Service, string, string),
) (sent, said time.Duration) {
	t.Helper()
	uid := newUID()
	token := mint(t, instances[0].Stack, claims(uid, servicetest.Email()))
	for _, s := range instances {
		warm(t, s, token)
	}
	others := instances[1:]
	c := newBystanders(t, token, code, others)
	defer c.stop()
	waitFor(t, 10*time.Second, "the crowd is at work", func() bool {
		c.lock.Lock()
		defer c.lock.Unlock()
		return c.accepted > 200
	})
	revoke(t, instances[0], token, uid)
	answered := time.Now()
	waitFor(t, 15*time.Second, "T5: refused everywhere", func() bool { return c.everybodyRefused(others, 20) })
	expectRefusal(t, instances[0], "T5: where it was revoked", token, map[string]int{"token_revoked": 401}[code]+map[string]int{"account_deactivated": 403}[code], code)
	c.stop()
	if c.odd != "" {
		t.Errorf("somebody was answered %s", c.odd)
	}
	return max(0, c.lastSent.Sub(answered)), max(0, c.lastSaid.Sub(answered))
}
