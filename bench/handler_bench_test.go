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

// BenchmarkVerifyTokenWarm is the handler alone, without sockets: where its time and allocations go shows in a profile.
//
//	go test ./bench -run '^$' -bench Warm -benchmem -cpuprofile cpu.out
func BenchmarkVerifyTokenWarm(b *testing.B) {
	handler, compact := warmHandler(b)
	body, err := json.Marshal(tokenBody{Token: compact})
	if err != nil {
		b.Fatal(err)
	}
	benchmark(b, handler, func() *http.Request {
		request := httptest.NewRequest(http.MethodPost, "/v1/auth/verify-token", bytes.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		return request
	})
}

// BenchmarkForwardWarm is the same question as gateways ask it.
func BenchmarkForwardWarm(b *testing.B) {
	handler, compact := warmHandler(b)
	benchmark(b, handler, func() *http.Request {
		request := httptest.NewRequest(http.MethodGet, "/v1/auth/forward", nil)
		request.Header.Set("Authorization", "Bearer "+compact)
		return request
	})
}

// BenchmarkBareEcho is what those two stand beside, and what the harness itself costs.
func BenchmarkBareEcho(b *testing.B) {
	handler := handle(new(bare).echo)
	body := []byte(`{"token":"` + string(bytes.Repeat([]byte("x"), 900)) + `"}`)
	benchmark(b, handler, func() *http.Request {
		return httptest.NewRequest(http.MethodPost, "/echo", bytes.NewReader(body))
	})
}

func benchmark(b *testing.B, handler http.Handler, request func() *http.Request) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request())
		if answer.Code != http.StatusOK {
			b.Fatalf("answered %d: %s", answer.Code, answer.Body)
		}
	}
}

// warmHandler is the whole edge over real parts, as internal/app puts it together, and a token.
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
			Verifier: verifier, Users: users, Cache: principal.NewCache(metrics.CacheRequest), OnVerify: metrics.TokenVerified,
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
