package identity_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
)

func addFaults(t *testing.T, s served, faults ...identity.Fault) {
	t.Helper()
	if err := s.AddFaults(faults...); err != nil {
		t.Fatal(err)
	}
}

func TestFaults_AnswerAsGoogleDoes(t *testing.T) {
	s := serve(t, identity.Options{})
	cases := []struct {
		kind, status string
		code         int
		message      string
	}{
		{identity.FaultTooManyRequests, "RESOURCE_EXHAUSTED", 429, "Quota exceeded"},
		{identity.FaultInternal, "INTERNAL", 500, "Internal error encountered."},
		{identity.FaultUnavailable, "UNAVAILABLE", 503, "The service is currently unavailable."},
		{identity.FaultQuotaExceeded, "", 400, "QUOTA_EXCEEDED : "},
		{identity.FaultTooManyAttempts, "", 400, "TOO_MANY_ATTEMPTS_TRY_LATER : "},
		{"INTERNAL_ERROR", "", 400, "INTERNAL_ERROR"},
	}
	for _, c := range cases {
		t.Run(c.kind, func(t *testing.T) {
			addFaults(t, s, identity.Fault{Match: "accounts:signUp", Kind: c.kind, Count: 1})
			got := s.client("accounts:signUp", object{})
			status, _ := got.body["error"].(object)["status"].(string)
			if got.status != c.code || status != c.status || !strings.HasPrefix(got.message(), c.message) {
				t.Errorf("got %d %q %q, want %d %q %q", got.status, status, got.message(), c.code, c.status, c.message)
			}
			s.client("accounts:signUp", object{}).ok()
		})
	}
	equal(t, "hits", s.FaultHits(), []int{1, 1, 1, 1, 1, 1})
}

func TestFaults_CutResetsTheConnection(t *testing.T) {
	s := serve(t, identity.Options{})
	addFaults(t, s, identity.Fault{Kind: identity.FaultCut})
	response, err := http.Get(s.base + "/")
	if err == nil {
		_ = response.Body.Close()
		t.Fatal("a cut connection gave an answer")
	}
}

func TestFaults_AfterLosesTheAnswerOnly(t *testing.T) {
	s := serve(t, identity.Options{})
	addFaults(t, s, identity.Fault{Match: "signUp", Kind: identity.FaultUnavailable, After: true, Count: 1})
	equal(t, "status", s.client("accounts:signUp", object{"email": "jane@example.com", "password": "secret-1"}).status, 503)
	s.signIn("jane@example.com", "secret-1").ok()
}

func TestFaults_DelayAfterTheOperation(t *testing.T) {
	s := serve(t, identity.Options{})
	addFaults(t, s, identity.Fault{Match: "signUp", Kind: identity.FaultDelay, Delay: time.Minute, After: true, Count: 1})
	status := make(chan int, 1)
	go func() {
		status <- s.client("accounts:signUp", object{"email": "jane@example.com", "password": "secret-1"}).status
	}()
	for limit := time.After(10 * time.Second); ; {
		if _, there := s.UserByEmail("jane@example.com"); there {
			break
		}
		select {
		case <-limit:
			t.Fatal("the operation waits for the delay of its answer")
		case <-time.After(time.Millisecond):
		}
	}
	s.ClearFaults()
	equal(t, "status", <-status, 200)
}

func TestFaults_HangUntilTheClientGivesUp(t *testing.T) {
	s := serve(t, identity.Options{})
	addFaults(t, s, identity.Fault{Kind: identity.FaultHang})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err == nil {
		_ = response.Body.Close()
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a hanging request ends with %v", err)
	}
}

func TestFaults_ClearingLetsHangingRequestsGo(t *testing.T) {
	s := serve(t, identity.Options{})
	addFaults(t, s, identity.Fault{Match: "signUp", Kind: identity.FaultHang})
	done := make(chan int)
	go func() { done <- s.client("accounts:signUp", object{}).status }()
	eventually(t, "the request hangs", func() bool { return slices.Equal(s.FaultHits(), []int{1}) })
	s.ClearFaults()
	equal(t, "status", <-done, http.StatusServiceUnavailable)
	s.client("accounts:signUp", object{}).ok()
}

func TestFaults_OverHTTP(t *testing.T) {
	s := serve(t, identity.Options{})
	s.do("POST", "/dev/faults", object{"match": "lookup", "kind": "503"}, "").ok()
	s.do("POST", "/dev/faults", object{"rules": []object{{"match": "signUp", "kind": "delay", "delayMs": 30}}}, "").ok()
	equal(t, "lookup", s.client("accounts:lookup", object{}).status, 503)
	began := time.Now()
	s.client("accounts:signUp", object{}).ok()
	if waited := time.Since(began); waited < 30*time.Millisecond {
		t.Errorf("answered after %v, want 30 ms at least", waited)
	}
	equal(t, "hits", s.do("GET", "/dev/faults", nil, "").ok().body["hits"], any([]any{1.0, 1.0}))
	s.do("DELETE", "/dev/faults", nil, "").ok()
	s.client("accounts:lookup", object{}).refused("MISSING_ID_TOKEN")
	for _, bad := range []object{{"kind": "nonsense"}, {"kind": "503", "probability": 2}, {"kind": "503", "count": -1}, {}} {
		equal(t, "bad rule", s.do("POST", "/dev/faults", bad, "").status, 400)
	}
}

func TestFaults_ByChanceHitSomeOnly(t *testing.T) {
	s := serve(t, identity.Options{})
	addFaults(t, s, identity.Fault{Match: "/v1/projects", Kind: identity.FaultUnavailable, Probability: 0.5})
	for range 100 {
		s.do("GET", toolkit+"projects?key=any", nil, "")
	}
	if hits := s.FaultHits()[0]; hits == 0 || hits == 100 { // odds of one in 2^99
		t.Errorf("%d of 100 requests were hit, want about half", hits)
	}
}

func TestServe_RotatesKeysAndEndsWithItsContextWhileARequestHangs(t *testing.T) {
	p, err := identity.New(identity.Options{ProjectID: project, KeyCount: 1, ScryptMemoryCost: 4, RotateEvery: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended, first := make(chan error, 1), p.KeyID()
	go func() { ended <- p.Serve(ctx, listener) }()
	s := served{Provider: p, t: t, base: "http://" + listener.Addr().String()}
	s.client("accounts:signUp", object{}).ok()
	eventually(t, "the key rotates", func() bool { return p.KeyID() != first })
	addFaults(t, s, identity.Fault{Kind: identity.FaultHang})
	go func() {
		if response, err := http.Get(s.base + "/"); err == nil {
			_ = response.Body.Close()
		}
	}()
	eventually(t, "the request hangs", func() bool { return slices.Equal(p.FaultHits(), []int{1}) })
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("Serve ends with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Serve does not end")
	}
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	limit := time.After(10 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-limit:
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}
