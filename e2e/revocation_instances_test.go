package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/servicetest"
)

func logout(t testing.TB, s *servicetest.Service, token string) {
	t.Helper()
	answer, err := s.API.LogoutWithResponse(t.Context(), servicetest.Bearer(token))
	if err != nil || answer.StatusCode() != http.StatusOK {
		t.Fatalf("logout: %v %s", err, answer.Body)
	}
}

func warm(t testing.TB, s *servicetest.Service, token string) {
	t.Helper()
	expectUser(t, s, "warming", token)
}

func refusedAs(t testing.TB, s *servicetest.Service, limit time.Duration, what, token, code string) time.Duration {
	t.Helper()
	return waitFor(t, limit, what, func() bool {
		_, got, _ := s.Verify(t, token)
		return got == code
	})
}

func TestRevocation_IsKnownEverywhereWithinASecond(t *testing.T) {
	t.Parallel()
	_, instances := twoInstances(t)
	a, b := instances[0], instances[1]
	var worst time.Duration
	for range 20 {
		person := a.Person(t)
		warm(t, a, person.IDToken)
		warm(t, b, person.IDToken)
		logout(t, a, person.IDToken)
		worst = max(worst, refusedAs(t, b, time.Second, "T5: revoked on the other instance", person.IDToken, "token_revoked"))
		expectRefusal(t, a, "T5: where it was revoked", person.IDToken, http.StatusUnauthorized, "token_revoked")
	}
	t.Logf("T5: the other instance refused after %s at worst, of 20", worst)
}

// deaf cuts an instance off from Redis and LISTEN.
func deaf(t testing.TB, stack *servicetest.Stack) *servicetest.Service {
	t.Helper()
	toRedis, redisURL := netfault.URL(t, stack.RedisURL)
	toListen, listenURL := netfault.URL(t, stack.DirectURL)
	s := stack.Start(t, map[string]string{"REDIS_URL": redisURL, "DATABASE_DIRECT_URL": listenURL})
	toRedis.Cut()
	toListen.Cut()
	return s
}

func TestRevocation_IsKnownWithinTenSecondsToWhoHearsNothing(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	a, b := stack.Start(t), deaf(t, stack)
	person, other := a.Person(t), a.Person(t)
	for _, p := range []client.Session{person, other} {
		warm(t, a, p.IDToken)
		warm(t, b, p.IDToken)
	}
	logout(t, a, person.IDToken)
	execute(t, stack, "UPDATE auth.users SET is_active = false WHERE firebase_uid = $1", other.UID)
	expectUser(t, b, "the instance that hears nothing, at once", person.IDToken)
	const limit = 10*time.Second + 500*time.Millisecond // plus the request's own time
	byLogout := refusedAs(t, b, limit, "T5: revoked, with nobody to tell", person.IDToken, "token_revoked")
	byTable := refusedAs(t, b, limit, "T5: deactivated in the table", other.IDToken, "account_deactivated")
	t.Logf("T5, deaf: a logout was known after %s, the table's change at most %s later", byLogout, byTable)
}

// T5: the new subscription empties the cache.
func TestRevocation_MissedWhileRedisWasCutIsKnownWhenItIsBack(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	a := stack.Start(t)
	wire, url := netfault.URL(t, stack.RedisURL)
	toListen, listenURL := netfault.URL(t, stack.DirectURL)
	b := stack.Start(t, map[string]string{"REDIS_URL": url, "DATABASE_DIRECT_URL": listenURL})
	person := a.Person(t)
	wire.Cut()
	toListen.Cut()
	warm(t, b, person.IDToken)
	logout(t, a, person.IDToken)
	wire.Restore()
	took := refusedAs(t, b, 5*time.Second, "T5: revoked, with Redis back, before age tells", person.IDToken, "token_revoked")
	t.Logf("T5: known %s after Redis was back", took)
}

func TestRevocation_WorksWhileRedisHangs(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	wire, url := netfault.URL(t, stack.RedisURL)
	s := stack.Start(t, map[string]string{"REDIS_URL": url})
	person := s.Person(t)
	warm(t, s, person.IDToken)
	wire.Hang()
	began := time.Now()
	logout(t, s, person.IDToken)
	took := time.Since(began)
	if took > 2*time.Second {
		t.Errorf("logout took %s while Redis hung", took)
	}
	expectRefusal(t, s, "T5", person.IDToken, http.StatusUnauthorized, "token_revoked")
	t.Logf("logout took %s while Redis hung", took)
}

// T4: the sign-in waits out the second.
func TestRevocation_SignInRightAfterwardsLives(t *testing.T) {
	t.Parallel()
	_, instances := twoInstances(t)
	a, b := instances[0], instances[1]
	for range 5 {
		person := a.Person(t)
		logout(t, a, person.IDToken)
		answer, err := b.API.LoginWithResponse(t.Context(), client.LoginInput{Email: *person.Email, Password: servicetest.Password})
		if err != nil || answer.JSON200 == nil {
			t.Fatalf("T4: login right after a logout: %v %s", err, answer.Body)
		}
		for _, s := range instances {
			expectUser(t, s, "T4: the new session", answer.JSON200.Data.IDToken)
			expectRefusal(t, s, "T4: the old session", person.IDToken, http.StatusUnauthorized, "token_revoked")
		}
	}
}

// T4: auth_time survives a refresh.
func TestRevocation_RefreshIsNoWayBack(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	revoked, deactivated := s.Person(t), s.Person(t)
	logout(t, s, revoked.IDToken)
	refresh := func(p client.Session) reply {
		return ask(t, s, http.MethodPost, "/v1/auth/refresh", jsonOf(t, map[string]string{"refreshToken": p.RefreshToken}))
	}
	refresh(revoked).expect(t, "T4: refresh of a revoked session", http.StatusUnauthorized, "token_revoked")
	execute(t, s.Stack, "UPDATE auth.users SET is_active = false WHERE firebase_uid = $1", deactivated.UID)
	answer := refresh(deactivated)
	answer.expect(t, "F9: refresh of a deactivated person's session", http.StatusForbidden, "account_deactivated")
	if strings.Contains(string(answer.body), "eyJ") {
		t.Errorf("a refusal holds a token: %s", answer.body)
	}
	execute(t, s.Stack, "UPDATE auth.users SET tokens_valid_after = now() + interval '1 day' WHERE firebase_uid = $1", deactivated.UID)
	refresh(deactivated).expect(t, "F9: deactivated and revoked", http.StatusForbidden, "account_deactivated")
}

// T4: every logout succeeds.
func TestRevocation_ConcurrentLogouts(t *testing.T) {
	t.Parallel()
	_, instances := twoInstances(t)
	person := instances[0].Person(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 10 {
			answer, err := instances[i%2].API.LogoutWithResponse(t.Context(), servicetest.Bearer(person.IDToken))
			if err != nil || answer.StatusCode() != http.StatusOK && answer.StatusCode() != http.StatusUnauthorized {
				t.Errorf("logout %d: %v %s", i, err, answer.Body)
			}
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
			for _, s := range instances {
				if status, code, _ := s.Verify(t, person.IDToken); status != http.StatusOK && code != "token_revoked" {
					t.Errorf("during logouts: %d %s", status, code)
				}
			}
		}
	}
	for _, s := range instances {
		refusedAs(t, s, time.Second, "T5", person.IDToken, "token_revoked")
	}
}

// T4: an endless revocation is 503.
func TestRevocation_ThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	for _, until := range []string{"infinity", "9999-01-01"} {
		person := s.Person(t)
		execute(t, s.Stack, "UPDATE auth.users SET tokens_valid_after = $2::timestamptz WHERE firebase_uid = $1", person.UID, until)
		logIn(t, s, *person.Email).expectOutage(t, "login while everything is revoked until "+until, handlerLimit)
		expectRefusal(t, s.Stack.Start(t), "T4: until "+until, person.IDToken, http.StatusUnauthorized, "token_revoked")
	}
}
