package e2e

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/servicetest"
)

func TestShutdown_LosesNoRequest(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, map[string]string{"SHUTDOWN_DRAIN": "2s", "LOGIN_FAILURE_MS": "900"})
	token := s.Person(t).IDToken
	slow := make(chan reply, 1)
	inFlight := make(chan struct{})
	go func() {
		close(inFlight)
		slow <- ask(t, s, "POST", "/v1/auth/login", registerBody(t, "nobody@example.com", "WrongPassword1"))
	}()
	<-inFlight

	var served atomic.Int64
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() { askUntilSentAway(t, s, token, &served) })
	}
	eventually(t, "load before the stop", func() bool { return served.Load() > 200 })
	s.Stop(t)
	clients.Wait()
	answer := <-slow
	answer.expect(t, "the login in flight", http.StatusUnauthorized, "invalid_credentials")
	t.Logf("%d requests served, none lost", served.Load())
	if _, err := http.Get(s.URL + "/health/live"); err == nil {
		t.Error("the instance serves on after its end")
	}
}

func askUntilSentAway(t *testing.T, s *servicetest.Service, token string, served *atomic.Int64) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: 1}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	for {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/auth/verify-token", strings.NewReader(`{"token":"`+token+`"}`))
		if err != nil {
			t.Error(err)
			return
		}
		request.GetBody = nil // else net/http would repeat a lost request
		request.Header.Set("Content-Type", "application/json")
		response, err := client.Do(request)
		if err != nil {
			t.Errorf("a request was lost: %v", err)
			return
		}
		_ = response.Body.Close()
		served.Add(1)
		if response.StatusCode != http.StatusOK {
			t.Errorf("verify-token answered %d while stopping, expected 200", response.StatusCode)
			return
		}
		if response.Close {
			return
		}
	}
}

func TestShutdown_TurnsUnreadyFirst(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, map[string]string{"SHUTDOWN_DRAIN": "5s"})
	ask(t, s, "GET", "/health/ready", "").expect(t, "ready", 200, "")
	stopped := make(chan struct{})
	go func() { defer close(stopped); s.Stop(t) }()
	eventually(t, "unready", func() bool { return ask(t, s, "GET", "/health/ready", "").status == http.StatusServiceUnavailable })
	ask(t, s, "GET", "/health/live", "").expect(t, "live while draining", 200, "")
	<-stopped
}

// pgx would wait 15 s for each connection.
func TestShutdown_DatabaseHangs(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	wire, url := netfault.URL(t, stack.DatabaseURL)
	s := stack.Start(t, map[string]string{"DATABASE_URL": url})
	cold := make([]string, 10)
	for i := range cold {
		cold[i] = mint(t, stack, claims(newUID(), servicetest.Email()))
	}
	settle(t, s, mint(t, stack, claims(newUID(), servicetest.Email())))
	wire.Hang()
	manyAtOnce(t, s, cold, func(r timed) { r.expectOutage(t, "the database hangs", 2*time.Second) })
	began := time.Now()
	s.Stop(t)
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("it stopped after %s, expected a few seconds while the database hangs", took)
	}
	if !strings.Contains(s.Log.String(), "not every connection closed in time") {
		t.Error("the log does not say that connections were left")
	}
}
