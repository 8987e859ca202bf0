package authclient_test

import (
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"auth-v2-service/authclient"
)

func hangUp(t testing.TB, w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_ = conn.Close()
}

func TestRetry_AConnectionThatFailed(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1)%2 == 0 {
			says(200, good)(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		hangUp(t, w)
	})
	g := newGate(t, authclient.Options{BaseURL: s.URL})
	for i := range int64(5) {
		a := g.askWith(t, "Bearer "+token)
		a.expectPassed(t, g, "asked over", i+1)
		if a.result.Attempts != 2 {
			t.Errorf("asked %d times, expected 2", a.result.Attempts)
		}
	}
}

func TestRetry_ManyKeptConnectionsToNobody(t *testing.T) {
	t.Parallel()
	const many = 16
	var together sync.WaitGroup
	together.Add(many)
	var gone atomic.Bool
	var old sync.Map // by client address
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		if !gone.Load() {
			old.Store(r.RemoteAddr, true)
			together.Done()
			together.Wait() // one connection a request
		} else if _, found := old.Load(r.RemoteAddr); found {
			_, _ = io.Copy(io.Discard, r.Body)
			hangUp(t, w)
			return
		}
		says(200, good)(w, r)
	})
	g := newGate(t, authclient.Options{BaseURL: s.URL})
	var all sync.WaitGroup
	for range many {
		all.Go(func() { g.askWith(t, "Bearer "+token) })
	}
	all.Wait()
	gone.Store(true)
	a := g.askWith(t, "Bearer "+token)
	a.expectPassed(t, g, "after the instance has gone", many+1)
	if a.result.Attempts != 2 || s.opened.Load() != many+1 {
		t.Errorf("asked %d times over %d connections, expected 2 times, and one new one", a.result.Attempts, s.opened.Load()-many)
	}
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

func TestRetry_StaysInTheBudget(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) > 1 {
			hangs(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		<-time.After(time.Second)
		hangUp(t, w)
	})
	const all = 1500 * time.Millisecond
	g := newGate(t, authclient.Options{BaseURL: s.URL, Timeout: all})
	a := g.askWith(t, "Bearer "+token)
	a.expectOutage(t, g, "a second try that hangs")
	if a.result.Attempts != 2 || a.took < all || a.took > all+time.Second*2/3 {
		t.Errorf("asked %d times in %s, expected 2 in %s", a.result.Attempts, a.took, all)
	}
}

func TestConnections_AreReused(t *testing.T) {
	t.Parallel()
	s := newService(t, says(200, good))
	g := newGate(t, authclient.Options{BaseURL: s.URL})
	for range 100 {
		g.askWith(t, "Bearer "+token)
	}
	if s.opened.Load() != 1 || s.asked.Load() != 100 || g.passed.Load() != 100 {
		t.Errorf("%d connections, %d questions, %d passed, expected 1, 100, 100", s.opened.Load(), s.asked.Load(), g.passed.Load())
	}
}

func TestConnections_ACrowdSharesThem(t *testing.T) {
	t.Parallel()
	const limit, crowd = 256, 600
	full := make(chan struct{})
	var n atomic.Int64
	s := newService(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == limit {
			close(full)
		}
		<-full
		says(200, good)(w, r)
	})
	g := newGate(t, authclient.Options{BaseURL: s.URL, Timeout: time.Minute})
	var all sync.WaitGroup
	for range crowd {
		all.Go(func() { g.ServeHTTP(discard{}, request(t, "Bearer "+token)) })
	}
	all.Wait()
	if g.passed.Load() != crowd || s.opened.Load() != limit {
		t.Errorf("%d of %d passed over %d connections, expected all over %d", g.passed.Load(), crowd, s.opened.Load(), limit)
	}
}

func TestTransport_OfTheUser(t *testing.T) {
	t.Parallel()
	s := newService(t, says(200, good))
	var trips atomic.Int64
	own := roundTripper(func(r *http.Request) (*http.Response, error) {
		trips.Add(1)
		return http.DefaultTransport.RoundTrip(r)
	})
	g := newGate(t, authclient.Options{BaseURL: s.URL, Transport: own})
	g.askWith(t, "Bearer "+token).expectPassed(t, g, "its own transport", 1)
	failing := newGate(t, authclient.Options{BaseURL: s.URL, Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		trips.Add(1)
		return nil, io.ErrClosedPipe
	})})
	failing.askWith(t, "Bearer "+token).expectOutage(t, failing, "a transport that fails")
	if trips.Load() != 3 {
		t.Errorf("%d round trips, expected 1 and 2", trips.Load())
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
