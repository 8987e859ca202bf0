package token_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"auth-v2-service/internal/token"
)

type bubbleServer struct {
	*keyServer
	mu    sync.Mutex
	asked []time.Time
}

func newBubbleServer(answer http.HandlerFunc) *bubbleServer {
	return &bubbleServer{keyServer: &keyServer{answer: answer}}
}

func (s *bubbleServer) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.asked = append(s.asked, time.Now())
	s.mu.Unlock()
	return s.keyServer.RoundTrip(r)
}

func (s *bubbleServer) gaps() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var gaps []time.Duration
	for i := 1; i < len(s.asked); i++ {
		gaps = append(gaps, s.asked[i].Sub(s.asked[i-1]))
	}
	return gaps
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func inBubble(t *testing.T, answer http.HandlerFunc, options token.KeySetOptions, test func(*testing.T, *bubbleServer, *token.KeySet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := newBubbleServer(answer)
		options.Client = &http.Client{Transport: server}
		keys, err := token.NewKeySet(options)
		if err != nil {
			t.Fatal(err)
		}
		defer keys.Close()
		if err := keys.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		test(t, server, keys)
	})
}

func between(t *testing.T, what string, got, low, high time.Duration) {
	t.Helper()
	if got < low || got > high {
		t.Fatalf("%s: %s is not between %s and %s", what, got, low, high)
	}
}

// T3.
func TestKeySet_RefreshesAheadOfMaxAge(t *testing.T) {
	keysOf := document(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), "first", firstKey())
	for name, c := range map[string]struct {
		header    http.Header
		freshness time.Duration
	}{
		"Google's":            {http.Header{"Cache-Control": {"public, max-age=19800, must-revalidate, no-transform"}}, 330 * time.Minute},
		"in capitals, quoted": {http.Header{"Cache-Control": {`Max-Age="3600"`}}, time.Hour},
		"in a second line":    {http.Header{"Cache-Control": {"public", "max-age=3600"}}, time.Hour},
		"less Age":            {http.Header{"Cache-Control": {"max-age=3600"}, "Age": {"1800"}}, 30 * time.Minute},
		"Age beyond max-age":  {http.Header{"Cache-Control": {"max-age=60"}, "Age": {"1800"}}, time.Minute},
		"shared caches' only": {http.Header{"Cache-Control": {"s-maxage=3600"}}, time.Minute},
		"none":                {http.Header{}, time.Minute},
		"zero":                {http.Header{"Cache-Control": {"max-age=0"}}, time.Minute},
		"negative":            {http.Header{"Cache-Control": {"max-age=-5"}}, time.Minute},
		"no number":           {http.Header{"Cache-Control": {"max-age=soon"}}, time.Minute},
		"no-store":            {http.Header{"Cache-Control": {"no-store, max-age=3600"}}, time.Minute},
		"a year":              {http.Header{"Cache-Control": {"max-age=31536000"}}, 6 * time.Hour},
		"beyond 64 bits":      {http.Header{"Cache-Control": {"max-age=99999999999999999999"}}, time.Minute},
		"nearly 64 bits":      {http.Header{"Cache-Control": {"max-age=18446744073709551615"}}, 6 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			answer := func(w http.ResponseWriter, _ *http.Request) {
				for header, values := range c.header {
					w.Header()[header] = values
				}
				_, _ = w.Write(keysOf)
			}
			inBubble(t, answer, token.KeySetOptions{}, func(t *testing.T, server *bubbleServer, _ *token.KeySet) {
				pass(4 * c.freshness)
				gaps := server.gaps()
				if len(gaps) < 3 {
					t.Fatalf("%d refreshes in 4 times the freshness", len(gaps))
				}
				for _, gap := range gaps {
					between(t, "refresh", gap, c.freshness*8/10, c.freshness*9/10)
				}
			})
		})
	}
}

// T3.
func TestKeySet_OutageOfADayAndItsEnd(t *testing.T) {
	good := document(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), "first", firstKey())
	logged := &lockedBuffer{}
	var failed atomic.Int64
	options := token.KeySetOptions{
		Logger: slog.New(slog.NewTextHandler(logged, nil)),
		OnFetch: func(err error) {
			if err != nil {
				failed.Add(1)
			}
		},
	}
	inBubble(t, serveFor(good, time.Hour), options, func(t *testing.T, server *bubbleServer, keys *token.KeySet) {
		verifier := newVerifier(t, token.VerifierOptions{Keys: keys})
		verify := func() error {
			_, err := verifier.Verify(context.Background(), idToken(time.Now(), "first", firstKey()))
			return err
		}
		server.now(away)
		pass(59 * time.Minute)
		expect(t, "before the keys are stale", verify(), nil)
		if failed.Load() == 0 {
			t.Fatal("before max-age ends no fetch has failed")
		}
		for i, gap := range server.gaps()[1:] {
			between(t, fmt.Sprintf("retry %d", i), gap, min(time.Second<<i, time.Minute)*8/10, time.Minute)
		}

		pass(23*time.Hour + 59*time.Second)
		expect(t, "stale, within 24 h", verify(), nil)
		expect(t, "usable, within 24 h", keys.Usable(), nil)
		if at, known := keys.FetchedAt(); failed.Load() < 1000 || !known || time.Since(at) < 23*time.Hour {
			t.Fatalf("%d fetches failed, the keys are of %s", failed.Load(), at)
		}
		if !strings.Contains(logged.String(), "level=WARN msg=\"token keys could not be refreshed: the last good ones serve on\"") {
			t.Fatal("no warning in the log")
		}

		pass(2 * time.Minute)
		expect(t, "after 24 h", verify(), token.ErrUnavailable)
		if !strings.Contains(logged.String(), "level=ERROR") {
			t.Fatal("no error in the log")
		}
		before := server.fetches.Load()
		pass(time.Minute)
		if n := server.fetches.Load() - before; n < 12 {
			t.Fatalf("%d retries in a minute without keys", n)
		}

		server.now(serve(good))
		pass(5 * time.Second)
		expect(t, "5 s after the server is back", verify(), nil)
		expect(t, "usable again", keys.Usable(), nil)
	})
}

// T3.
func TestKeySet_StartOutlivesAHangingServer(t *testing.T) {
	good := document(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), "first", firstKey())
	synctest.Test(t, func(t *testing.T) {
		server := newBubbleServer(hang)
		keys, err := token.NewKeySet(token.KeySetOptions{Client: &http.Client{Transport: server}})
		if err != nil {
			t.Fatal(err)
		}
		defer keys.Close()
		began := time.Now()
		if err := keys.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		between(t, "the start", time.Since(began), 5*time.Second, 5*time.Second)
		expect(t, "usable", keys.Usable(), token.ErrUnavailable)
		server.now(serve(good))
		pass(2 * time.Second)
		expect(t, "usable", keys.Usable(), nil)
		if at, known := keys.FetchedAt(); !known || time.Since(at) > 2*time.Second {
			t.Fatalf("fetched at %s", at)
		}
	})
}

// T3.
func TestKeySet_StoresEveryGoodFetch(t *testing.T) {
	good := document(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), "first", firstKey())
	store := &memoryStore{}
	inBubble(t, serveFor(good, time.Hour), token.KeySetOptions{Store: store}, func(t *testing.T, server *bubbleServer, keys *token.KeySet) {
		pass(4 * time.Hour)
		if fetches := server.fetches.Load(); int64(store.count()) != fetches || fetches < 4 {
			t.Fatalf("%d fetches, %d stored", fetches, store.count())
		}
		fetchedAt, _ := keys.FetchedAt()
		want := token.KeySnapshot{URL: token.GoogleCertificatesURL, Document: good, FetchedAt: fetchedAt, FreshUntil: fetchedAt.Add(time.Hour)}
		if fmt.Sprint(store.snapshot) != fmt.Sprint(want) {
			t.Fatalf("stored %+v", store.snapshot)
		}
		store.fail(errors.New("the database is away"))
		pass(time.Hour)
		expect(t, "usable though nothing can be stored", keys.Usable(), nil)
	})
}
