package e2e

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"auth-v2-service/internal/testkit/servicetest"
)

type catch struct {
	sync.Mutex
	tokens []string
}

func (c *catch) keep(answer reply) {
	var body struct {
		AccessToken string
		Data        struct{ IDToken string }
	}
	if answer.status != http.StatusOK || json.Unmarshal(answer.body, &body) != nil {
		return
	}
	c.Lock()
	defer c.Unlock()
	for _, token := range []string{body.AccessToken, body.Data.IDToken} {
		if token != "" {
			c.tokens = append(c.tokens, token)
		}
	}
}

func (c *catch) all() []string {
	c.Lock()
	defer c.Unlock()
	return append([]string{}, c.tokens...)
}

func TestAdminUsers_NoSessionSurvivesADeactivation_T4_T5(t *testing.T) {
	t.Parallel()
	for home, settle := range homes {
		t.Run(home, func(t *testing.T) {
			t.Parallel()
			stack, instances := twoInstances(t, trusting)
			operator, o := newAdmin(t, stack), settle(t, instances[0])
			fullTraffic(t, stack)
			if home == "local" { // each sign-in moves the user
				execute(t, stack, "UPDATE auth.rollout SET users_buckets = 10000")
			}
			caught := &catch{tokens: o.tokens}
			stop := make(chan struct{})
			var all sync.WaitGroup
			goOn := func(do func(s *servicetest.Service) reply) {
				for i := range 2 {
					all.Go(func() {
						for last := false; !last; {
							select {
							case <-stop:
								last = true // one more after the deactivation
							default:
							}
							caught.keep(do(instances[i]))
						}
					})
				}
			}
			signIn := registerBody(t, o.email, servicetest.Password)
			goOn(func(s *servicetest.Service) reply { return ask(t, s, "POST", "/v1/auth/login", signIn) })
			goOn(func(s *servicetest.Service) reply { return ask(t, s, "POST", "/auth/login", signIn) })
			goOn(func(s *servicetest.Service) reply { return refresh(t, s, "/v1/auth/refresh", o.legacyRefresh) })
			for _, token := range o.firebaseTokens {
				goOn(func(s *servicetest.Service) reply { return refresh(t, s, "/v1/auth/refresh", token) })
			}
			eventually(t, "some are in", func() bool { return len(caught.all()) > len(o.tokens)+4 })
			operator.act(t, instances[0], o.id, "deactivate")
			close(stop)
			all.Wait()
			for _, token := range caught.all() {
				refusedAs(t, instances[0], time.Second, "T5: where it was done", token, "account_deactivated")
				refusedAs(t, instances[1], time.Second, "T5: elsewhere", token, "account_deactivated")
			}
			eventually(t, "no move is under way", func() bool { return countRows(t, stack, "id = $1 AND federation_status = 'active'", o.id) == 1 })
			operator.act(t, instances[1], o.id, "reactivate")
			for _, token := range caught.all() {
				refusedAs(t, instances[0], time.Second, "T4: after the reactivation", token, "token_revoked")
			}
			settled(t, stack)
			expectSignsIn(t, instances[0], o.email, servicetest.Password)
			t.Logf("%s: %d tokens, none survived", home, len(caught.all()))
		})
	}
}
