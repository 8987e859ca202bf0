package token_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"auth-v2-service/internal/token"
)

const project = "demo-platform"

var (
	firstKey    = sync.OnceValue(func() *rsa.PrivateKey { return newRSAKey(2048) })
	secondKey   = sync.OnceValue(func() *rsa.PrivateKey { return newRSAKey(2048) })
	strangerKey = sync.OnceValue(func() *rsa.PrivateKey { return newRSAKey(2048) })
	shortKey    = sync.OnceValue(func() *rsa.PrivateKey { return newRSAKey(1024) })
)

func newRSAKey(bits int) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return key
}

func certificateFor(key crypto.Signer, notAfter time.Time, hosts ...string) string {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "securetoken"}, DNSNames: hosts,
		NotBefore: notAfter.Add(-16 * 24 * time.Hour), NotAfter: notAfter,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func ellipticCertificate(notAfter time.Time) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return certificateFor(key, notAfter)
}

func keyDocument(certificates map[string]string) []byte {
	document, err := json.Marshal(certificates)
	if err != nil {
		panic(err)
	}
	return document
}

func document(now time.Time, kid string, key *rsa.PrivateKey) []byte {
	return keyDocument(map[string]string{kid: certificateFor(key, now.Add(24*time.Hour))})
}

type keyServer struct {
	*httptest.Server
	mu      sync.Mutex
	answer  http.HandlerFunc
	fetches atomic.Int64
}

func newKeyServer(t testing.TB, answer http.HandlerFunc) *keyServer {
	t.Helper()
	server := &keyServer{answer: answer}
	server.Server = httptest.NewServer(server)
	t.Cleanup(server.Close)
	return server
}

func (s *keyServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.fetches.Add(1)
	s.mu.Lock()
	answer := s.answer
	s.mu.Unlock()
	answer(w, r)
}

func (s *keyServer) now(answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// RoundTrip serves synctest bubbles, which have no network.
func (s *keyServer) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	s.ServeHTTP(recorder, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return recorder.Result(), nil
}

func serve(document []byte) http.HandlerFunc { return serveFor(document, 6*time.Hour) }

func serveFor(document []byte, maxAge time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d, must-revalidate, no-transform", int(maxAge.Seconds())))
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		_, _ = w.Write(document)
	}
}

func away(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }

func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func startKeys(t testing.TB, options token.KeySetOptions) *token.KeySet {
	t.Helper()
	options.AllowInsecureLoopback = true
	keys, err := token.NewKeySet(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(keys.Close)
	if err := keys.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	return keys
}

func newVerifier(t testing.TB, options token.VerifierOptions) *token.Verifier {
	t.Helper()
	if options.ProjectID == "" {
		options.ProjectID = project
	}
	verifier, err := token.NewVerifier(options)
	if err != nil {
		t.Fatal(err)
	}
	return verifier
}

type clock struct{ at atomic.Pointer[time.Time] }

func newClock(at time.Time) *clock {
	c := &clock{}
	c.at.Store(&at)
	return c
}

func (c *clock) Now() time.Time { return *c.at.Load() }

func (c *clock) advance(d time.Duration) {
	at := c.Now().Add(d)
	c.at.Store(&at)
}

type memoryStore struct {
	mu       sync.Mutex
	snapshot token.KeySnapshot
	saves    int
	err      error
}

func (s *memoryStore) LoadKeys(context.Context) (token.KeySnapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snapshot, s.err
}

func (s *memoryStore) SaveKeys(_ context.Context, snapshot token.KeySnapshot) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.snapshot = snapshot
		s.saves++
	}
	return s.err
}

func (s *memoryStore) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *memoryStore) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saves
}

func payload(now time.Time) map[string]any {
	return map[string]any{
		"iss": "https://securetoken.google.com/" + project, "aud": project,
		"sub": "9f2c6c1e-58b5-4a39-9d1c-8a4d7c1f0b11", "user_id": "9f2c6c1e-58b5-4a39-9d1c-8a4d7c1f0b11",
		"auth_time": now.Add(-2 * time.Minute).Unix(), "iat": now.Add(-time.Minute).Unix(), "exp": now.Add(59 * time.Minute).Unix(),
		"email": "jane@example.com", "email_verified": true, "name": "Jane Doe",
		"firebase": map[string]any{
			"identities":       map[string]any{"email": []string{"jane@example.com"}},
			"sign_in_provider": "password",
		},
	}
}

func compact(header, payload string, sign func(signed string) []byte) string {
	signed := encode([]byte(header)) + "." + encode([]byte(payload))
	return signed + "." + encode(sign(signed))
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

func rs256(key *rsa.PrivateKey) func(string) []byte {
	return func(signed string) []byte {
		digest := sha256.Sum256([]byte(signed))
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
		if err != nil {
			panic(err)
		}
		return signature
	}
}

func hs256(secret []byte) func(string) []byte {
	return func(signed string) []byte {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(signed))
		return mac.Sum(nil)
	}
}

func unsigned(string) []byte { return nil }

func jsonText(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func idToken(now time.Time, kid string, key *rsa.PrivateKey, edits ...func(map[string]any)) string {
	claims := payload(now)
	for _, edit := range edits {
		edit(claims)
	}
	return compact(headerOf(kid), jsonText(claims), rs256(key))
}

func headerOf(kid string) string { return `{"alg":"RS256","kid":"` + kid + `","typ":"JWT"}` }

func set(name string, value any) func(map[string]any) {
	return func(claims map[string]any) { claims[name] = value }
}

func without(name string) func(map[string]any) {
	return func(claims map[string]any) { delete(claims, name) }
}

func replaced(text, piece, other string) string {
	if !strings.Contains(text, piece) {
		panic("no " + piece + " in " + text)
	}
	return strings.Replace(text, piece, other, 1)
}
