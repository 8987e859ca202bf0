package token_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/token"
)

func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	limit := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

type keyRoom struct {
	*clock
	server   *keyServer
	store    *memoryStore
	keys     *token.KeySet
	verifier *token.Verifier
}

func newKeyRoom(t *testing.T, answer http.HandlerFunc) *keyRoom {
	t.Helper()
	room := &keyRoom{clock: newClock(noon), server: newKeyServer(t, answer), store: &memoryStore{}}
	room.restart(t)
	return room
}

func (r *keyRoom) restart(t *testing.T) {
	t.Helper()
	if r.keys != nil {
		r.keys.Close()
	}
	r.keys = startKeys(t, token.KeySetOptions{URL: r.server.URL, Clock: r.Now, Store: r.store})
	r.verifier = newVerifier(t, token.VerifierOptions{Keys: r.keys, Clock: r.Now})
}

func (r *keyRoom) verify(kid string) error {
	key := firstKey()
	if kid != "first" {
		key = secondKey()
	}
	_, err := r.verifier.Verify(context.Background(), idToken(r.Now(), kid, key))
	return err
}

func expect(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) || (want == nil) != (got == nil) {
		t.Fatalf("%s: want %v, got %v", what, want, got)
	}
}

// T3.
func TestKeySet_RotationIsFoundByAnUnknownKid(t *testing.T) {
	room := newKeyRoom(t, serve(document(noon, "first", firstKey())))
	expect(t, "the first key", room.verify("first"), nil)

	room.server.now(serve(document(noon, "second", secondKey())))
	room.advance(2 * time.Minute)
	expect(t, "the second key", room.verify("second"), nil)
	expect(t, "the withdrawn key", room.verify("first"), token.ErrMalformed)
	if n := room.server.fetches.Load(); n != 2 {
		t.Fatalf("%d fetches, want 2", n)
	}
}

// T3.
func TestKeySet_UnknownKidStormCausesOneFetchAMinute(t *testing.T) {
	const tokens = 200
	room := newKeyRoom(t, serve(document(noon, "first", firstKey())))
	unknown := make([]string, tokens)
	storm := func(want ...error) {
		t.Helper()
		before := room.server.fetches.Load()
		for i := range unknown {
			unknown[i] = idToken(room.Now(), fmt.Sprintf("unknown-%d", i), firstKey())
		}
		known := idToken(room.Now(), "first", firstKey())
		var all sync.WaitGroup
		for _, compact := range unknown {
			all.Go(func() {
				_, err := room.verifier.Verify(context.Background(), compact)
				if !slices.ContainsFunc(want, func(one error) bool { return errors.Is(err, one) }) {
					t.Errorf("unknown kid: want %v, got %v", want, err)
				}
				if _, err := room.verifier.Verify(context.Background(), known); err != nil {
					t.Errorf("known kid: %v", err)
				}
			})
		}
		all.Wait()
		if n := room.server.fetches.Load() - before; n > 1 {
			t.Errorf("%d fetches for %d unknown kids", n, tokens)
		}
	}
	storm(token.ErrMalformed) // no fetch
	if n := room.server.fetches.Load(); n != 1 {
		t.Fatalf("%d fetches though the set was fresh", n)
	}
	room.advance(2 * time.Minute)
	storm(token.ErrMalformed, token.ErrUnavailable)
	waitFor(t, "the fetch is done", func() bool {
		_, err := room.verifier.Verify(context.Background(), unknown[0])
		return errors.Is(err, token.ErrMalformed)
	})
	storm(token.ErrMalformed)
	if n := room.server.fetches.Load(); n != 2 {
		t.Fatalf("%d fetches, want 2", n)
	}
	room.server.now(away)
	room.advance(2 * time.Minute)
	storm(token.ErrUnavailable)
	storm(token.ErrUnavailable) // no fetch
}

// T3.
func TestKeySet_HangingServerBlocksNoKnownKid(t *testing.T) {
	room := newKeyRoom(t, serve(document(noon, "first", firstKey())))
	room.server.now(hang)
	room.advance(2 * time.Minute)

	unknown := make(chan error, 1)
	began := time.Now()
	go func() { unknown <- room.verify("second") }()
	waitFor(t, "the fetch is under way", func() bool { return room.server.fetches.Load() == 2 })
	for range 20 {
		expect(t, "a known kid meanwhile", room.verify("first"), nil)
	}
	select {
	case err := <-unknown:
		t.Fatalf("the unknown kid was answered while the fetch hangs: %v", err)
	default:
	}
	expect(t, "the unknown kid", <-unknown, token.ErrUnavailable)
	if took := time.Since(began); took > 2*time.Second {
		t.Fatalf("the unknown kid waited %s, O3 allows 2 s", took)
	}
}

// O3.
func TestKeySet_UnknownKidWaitsNoLongerThanItsRequest(t *testing.T) {
	room := newKeyRoom(t, serve(document(noon, "first", firstKey())))
	room.server.now(hang)
	room.advance(2 * time.Minute)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := room.verifier.Verify(ctx, idToken(room.Now(), "second", secondKey()))
	expect(t, "a cancelled request", err, token.ErrUnavailable)
}

// T3.
func TestKeySet_StoredKeysServeAcrossARestart(t *testing.T) {
	room := newKeyRoom(t, serve(document(noon, "first", firstKey())))
	waitFor(t, "the snapshot is stored", func() bool { return room.store.count() == 1 })

	room.server.now(away)
	room.advance(20 * time.Hour)
	room.restart(t)
	expect(t, "usable after the restart", room.keys.Usable(), nil)
	expect(t, "a token after the restart", room.verify("first"), nil)

	room.advance(4*time.Hour - time.Second)
	expect(t, "a second before the end", room.verify("first"), nil)
	room.advance(time.Second)
	expect(t, "after 24 h", room.verify("first"), token.ErrUnavailable)
	expect(t, "usable after 24 h", room.keys.Usable(), token.ErrUnavailable)

	room.restart(t)
	expect(t, "restarted with keys that are too old", room.verify("first"), token.ErrUnavailable)

	room.server.now(serve(document(noon, "first", firstKey())))
	room.advance(2 * time.Minute)
	expect(t, "the server is back", room.verify("first"), nil)
	expect(t, "usable again", room.keys.Usable(), nil)
}

// T3.
func TestKeySet_StartWithStoredKeysDoesNotWait(t *testing.T) {
	room := newKeyRoom(t, serve(document(noon, "first", firstKey())))
	waitFor(t, "the snapshot is stored", func() bool { return room.store.count() == 1 })
	room.server.now(hang)
	began := time.Now()
	room.restart(t)
	if took := time.Since(began); took > time.Second {
		t.Fatalf("the start took %s", took)
	}
	expect(t, "a token", room.verify("first"), nil)
}

// T3.
func TestKeySet_StoredKeysAreNotBelievedBlindly(t *testing.T) {
	good := document(noon, "first", firstKey())
	for name, edit := range map[string]func(*memoryStore){
		"another server's": func(s *memoryStore) { s.snapshot.URL = "https://other.example/keys" },
		"from the future":  func(s *memoryStore) { s.snapshot.FetchedAt = noon.Add(2 * time.Minute) },
		"too old":          func(s *memoryStore) { s.snapshot.FetchedAt = noon.Add(-24 * time.Hour) },
		"no date":          func(s *memoryStore) { s.snapshot.FetchedAt = time.Time{} },
		"no keys":          func(s *memoryStore) { s.snapshot.Document = []byte(`{}`) },
		"garbage":          func(s *memoryStore) { s.snapshot.Document = []byte(`not JSON`) },
		"a failing store":  func(s *memoryStore) { s.err = errors.New("the database is away") },
		"an empty store":   func(s *memoryStore) { s.snapshot = token.KeySnapshot{} },
	} {
		t.Run(name, func(t *testing.T) {
			room := &keyRoom{clock: newClock(noon), server: newKeyServer(t, away)}
			room.store = &memoryStore{snapshot: token.KeySnapshot{
				URL: room.server.URL, Document: good, FetchedAt: noon.Add(-time.Hour), FreshUntil: noon,
			}}
			edit(room.store)
			room.restart(t)
			expect(t, "usable", room.keys.Usable(), token.ErrUnavailable)
			expect(t, "a token", room.verify("first"), token.ErrUnavailable)

			room.server.now(serve(good))
			room.advance(2 * time.Minute)
			expect(t, "a token once the server is back", room.verify("first"), nil)
		})
	}
}

// O2.
func TestKeySet_NoKeysAtAllIsAnOutage(t *testing.T) {
	room := newKeyRoom(t, away)
	err := room.verify("first")
	expect(t, "a token", err, token.ErrUnavailable)
	var refusal *fault.Error
	if !errors.As(err, &refusal) || refusal.RetryAfter <= 0 {
		t.Fatalf("no advice when to retry: %v", err)
	}
	expect(t, "usable", room.keys.Usable(), token.ErrUnavailable)
	if _, known := room.keys.FetchedAt(); known {
		t.Fatal("FetchedAt of no keys")
	}
	body := jsonText(payload(noon))
	for name, compact := range map[string]string{
		"garbage":          "garbage",
		"no kid":           compact(`{"alg":"RS256"}`, body, rs256(firstKey())),
		"alg HS256":        compact(`{"alg":"HS256","kid":"first"}`, body, hs256([]byte("secret"))),
		"another audience": idToken(noon, "first", firstKey(), set("aud", "other")),
	} {
		_, err = room.verifier.Verify(context.Background(), compact)
		expect(t, name, err, token.ErrMalformed)
	}
}

// T3.
func TestKeySet_BadAnswersLeaveTheLastGoodKeys(t *testing.T) {
	second := document(noon, "second", secondKey())
	elsewhere := newKeyServer(t, serve(second))
	body := serve
	for name, answer := range map[string]http.HandlerFunc{
		"a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) },
		"not found":  http.NotFound,
		"accepted": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write(second)
		},
		"over 1 MiB":     body(append(bytes.Clone(second), bytes.Repeat([]byte(" "), 1<<20)...)),
		"empty":          body(nil),
		"no keys":        body([]byte(`{}`)),
		"a list":         body([]byte(`[]`)),
		"HTML":           body([]byte(`<html>captive portal</html>`)),
		"trailing data":  body(append(bytes.Clone(second), second...)),
		"a kid twice":    body([]byte(strings.TrimSuffix(string(second), "}") + `,"second":"x"}`)),
		"short key only": body(keyDocument(map[string]string{"second": certificateFor(shortKey(), noon.Add(time.Hour))})),
		"not RSA only":   body(keyDocument(map[string]string{"second": ellipticCertificate(noon.Add(time.Hour))})),
		"no certificate": body(keyDocument(map[string]string{"second": string(publicPEM(secondKey()))})),
		"another label": body(keyDocument(map[string]string{
			"second": strings.ReplaceAll(certificateFor(secondKey(), noon.Add(time.Hour)), "CERTIFICATE", "X509 CRL"),
		})),
		"garbage in PEM": body(keyDocument(map[string]string{"second": "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n"})),
		"two in one": body(keyDocument(map[string]string{"second": certificateFor(secondKey(), noon.Add(time.Hour)) +
			certificateFor(strangerKey(), noon.Add(time.Hour))})),
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			_, _ = w.Write(second)
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			room := newKeyRoom(t, serve(document(noon, "first", firstKey())))
			room.server.now(answer)
			room.advance(2 * time.Minute)
			expect(t, "the new key", room.verify("second"), token.ErrUnavailable)
			expect(t, "the last good key", room.verify("first"), nil)
		})
	}
	if n := elsewhere.fetches.Load(); n != 0 {
		t.Fatalf("a redirect was followed %d times", n)
	}
}

func TestKeySet_OneOddEntryCostsNoOther(t *testing.T) {
	logged := &lockedBuffer{}
	server := newKeyServer(t, serve(keyDocument(map[string]string{
		"first":    certificateFor(firstKey(), noon.Add(time.Hour)),
		"runout":   certificateFor(secondKey(), noon.Add(-time.Hour)),
		"elliptic": ellipticCertificate(noon.Add(time.Hour)),
		"short":    certificateFor(shortKey(), noon.Add(time.Hour)),
		"broken":   "garbage",
	})))
	at := newClock(noon)
	keys := startKeys(t, token.KeySetOptions{URL: server.URL, Clock: at.Now, Logger: slog.New(slog.NewJSONHandler(logged, nil))})
	room := &keyRoom{clock: at, keys: keys, verifier: newVerifier(t, token.VerifierOptions{Keys: keys, Clock: at.Now})}
	expect(t, "the good one", room.verify("first"), nil)
	expect(t, "the one whose certificate has run out", room.verify("runout"), nil)
	for _, kid := range []string{"elliptic", "short", "broken"} {
		expect(t, kid, room.verify(kid), token.ErrMalformed)
	}
	for _, kid := range []string{"elliptic", "short", "broken", "runout"} {
		if !strings.Contains(logged.String(), `"key.id":"`+kid+`"`) {
			t.Errorf("the log does not name %s: %s", kid, logged.String())
		}
	}
}

// T3.
func TestNewKeySet_URLs(t *testing.T) {
	for _, c := range []struct {
		url      string
		loopback bool
		ok       bool
	}{
		{"", false, true},
		{token.GoogleCertificatesURL, false, true},
		{"https://keys.internal:8443/x509", false, true},
		{"http://keys.internal/x509", false, false},
		{"http://keys.internal/x509", true, false},
		{"http://127.0.0.1:9099/x509", false, false},
		{"http://127.0.0.1:9099/x509", true, true},
		{"http://[::1]:9099/x509", true, true},
		{"http://localhost:9099/x509", true, true},
		{"http://localhost.evil.example/x509", true, false},
		{"http://127.0.0.1.evil.example/x509", true, false},
		{"http://127.0.0.1@evil.example/x509", true, false},
		{"ftp://127.0.0.1/x509", true, false},
		{"file:///etc/keys", true, false},
		{"https:///x509", true, false},
		{"https:opaque", true, false},
		{"keys", true, false},
		{"://", true, false},
	} {
		if _, err := token.NewKeySet(token.KeySetOptions{URL: c.url, AllowInsecureLoopback: c.loopback}); (err == nil) != c.ok {
			t.Errorf("%q (loopback %t): %v", c.url, c.loopback, err)
		}
	}
}

func TestNewKeySet_LeavesTheClientAlone(t *testing.T) {
	client := &http.Client{}
	if _, err := token.NewKeySet(token.KeySetOptions{Client: client}); err != nil {
		t.Fatal(err)
	}
	if client.CheckRedirect != nil {
		t.Fatal("the client was changed")
	}
}

func TestKeySet_StartsOnceAndEndsWithItsContext(t *testing.T) {
	server := newKeyServer(t, serve(document(noon, "first", firstKey())))
	at := newClock(noon)
	keys, err := token.NewKeySet(token.KeySetOptions{URL: server.URL, AllowInsecureLoopback: true, Clock: at.Now})
	if err != nil {
		t.Fatal(err)
	}
	room := &keyRoom{clock: at, keys: keys, verifier: newVerifier(t, token.VerifierOptions{Keys: keys, Clock: at.Now})}
	expect(t, "before the start", room.verify("first"), token.ErrUnavailable)
	if n := server.fetches.Load(); n != 0 {
		t.Fatalf("%d fetches before the start", n)
	}

	ctx, cancel := context.WithCancel(context.Background())
	if err := keys.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if keys.Start(ctx) == nil {
		t.Fatal("started twice")
	}
	cancel()
	keys.Close()
	expect(t, "a request that ends after the background work", room.verify("first"), nil)
	at.advance(2 * time.Minute)
	expect(t, "an unknown kid after the end", room.verify("second"), token.ErrUnavailable)
	if n := server.fetches.Load(); n != 1 {
		t.Fatalf("%d fetches, want 1", n)
	}
}

func TestKeySet_DoesNotStartAfterClose(t *testing.T) {
	keys, err := token.NewKeySet(token.KeySetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	keys.Close()
	if keys.Start(context.Background()) == nil {
		t.Fatal("started after Close")
	}
}
