package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"auth-v2-service/internal/account"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/httpapi"
	"auth-v2-service/internal/limit"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

// BenchmarkVerifyTokenWarm measures the handler without sockets.
func BenchmarkVerifyTokenWarm(b *testing.B) {
	handler, compact := warmHandler(b)
	benchmark(b, handler, http.MethodPost, "/v1/auth/verify-token", bodyWith(b, compact))
}

// BenchmarkVerifyTokenWarmLongRoad adds a space to the body, so all decoding runs.
func BenchmarkVerifyTokenWarmLongRoad(b *testing.B) {
	handler, compact := warmHandler(b)
	benchmark(b, handler, http.MethodPost, "/v1/auth/verify-token", append([]byte(" "), bodyWith(b, compact)...))
}

func BenchmarkForwardWarm(b *testing.B) {
	handler, compact := warmHandler(b)
	benchmark(b, handler, http.MethodGet, "/v1/auth/forward", nil, "Authorization", "Bearer "+compact)
}

func BenchmarkBareEcho(b *testing.B) {
	_, compact := warmHandler(b)
	benchmark(b, handle(new(bare).echo), http.MethodPost, "/echo", bodyWith(b, compact))
}

func bodyWith(b *testing.B, compact string) []byte {
	b.Helper()
	encoded, err := json.Marshal(tokenBody{Token: compact})
	fatal(b, err)
	return encoded
}

const hitAllocations = 15

func TestWarm_Allocations(t *testing.T) {
	for name, benchmark := range map[string]func(*testing.B){"verify-token": BenchmarkVerifyTokenWarm, "forward": BenchmarkForwardWarm} {
		if got := testing.Benchmark(benchmark).AllocsPerOp(); got == 0 || got > hitAllocations {
			t.Errorf("%s allocates %d times a hit, expected at most %d", name, got, hitAllocations)
		}
	}
}

func benchmark(b *testing.B, handler http.Handler, method, path string, body []byte, header ...string) {
	b.Helper()
	sent := bytes.NewReader(body)
	request := httptest.NewRequest(method, path, sent)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	answer := &discard{header: http.Header{}}
	ask := func() {
		sent.Reset(body)
		clear(answer.header)
		answer.status = 0
		handler.ServeHTTP(answer, request)
		if answer.status != http.StatusOK {
			b.Fatalf("answered %d", answer.status)
		}
	}
	ask() // caches the token
	b.ReportAllocs()
	for b.Loop() {
		ask()
	}
}

type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header { return d.header }

func (d *discard) WriteHeader(status int) { d.status = status }

func (d *discard) Write(body []byte) (int, error) {
	d.status = max(d.status, http.StatusOK)
	return len(body), nil
}

// warmHandler wires the whole edge as internal/app does.
func warmHandler(b *testing.B) (http.Handler, string) {
	b.Helper()
	log := slog.New(slog.DiscardHandler)
	provider, site := startProvider(b)
	pool, err := pg.Open(b.Context(), pg.Options{URL: pgtest.New(b)})
	fatal(b, err)
	b.Cleanup(pool.Close)
	vendor, err := firebase.New(b.Context(), firebase.Options{ProjectID: project, EmulatorHost: site[len("http://"):]})
	fatal(b, err)
	keys, err := token.NewKeySet(token.KeySetOptions{URL: site + identity.CertificatePath, AllowInsecureLoopback: true})
	fatal(b, err)
	fatal(b, keys.Start(b.Context()))
	b.Cleanup(keys.Close)
	verifier, err := token.NewVerifier(token.VerifierOptions{ProjectID: project, Keys: keys})
	fatal(b, err)
	limiter, err := limit.New(limit.Options{Key: make([]byte, 32), Off: true, Logger: log})
	fatal(b, err)
	metrics := telemetry.NewMetrics()
	users := user.NewStore(user.Options{
		Pool: pool, Accounts: vendor, OnSight: func(s user.Sight) { metrics.FirstSight(string(s)) }, Logger: log,
	})
	handler, err := httpapi.New(httpapi.Options{
		Accounts: account.New(account.Options{
			Pool: pool, Identities: vendor, Verifier: verifier, Users: users, Attempts: limiter,
		}),
		Users: users,
		Resolver: principal.NewResolver(principal.Options{
			Verifier: verifier, Users: users, Cache: principal.NewCache(principal.CacheOptions{OnUse: metrics.CacheRequest}), Render: httpapi.NewCachedResponse,
			OnVerify: metrics.TokenVerified,
		}),
		Limiter: limiter, Metrics: metrics, Logger: log, Version: "bench",
	})
	fatal(b, err)
	compact, err := provider.Mint(claims(people("warm", 1)[0], 0), identity.MintOptions{})
	fatal(b, err)
	return handler, compact
}

func startProvider(b *testing.B) (*identity.Provider, string) {
	b.Helper()
	provider, err := identity.New(identity.Options{ProjectID: project, ScryptMemoryCost: scryptCost, TokenTTL: time.Hour})
	fatal(b, err)
	server := httptest.NewServer(provider.Handler())
	b.Cleanup(func() {
		server.Close()
		fatal(b, provider.Close())
	})
	return provider, server.URL
}

func fatal(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
