package httpapi

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/telemetry"
)

// O1: OpenTelemetry's names, seconds, nothing else.
func TestAccessLog_NamesAndUnits_O1(t *testing.T) {
	t.Parallel()
	edge, log := newEdge(t, func(context.Context) error { return errCause })
	call(edge, "POST", "/v1/auth/verify-token", `{"token":"x"}`)
	var line map[string]any
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatalf("one line is expected: %v\n%s", err, log)
	}
	want := []string{
		"time", "level", "msg", "http.request.method", "http.route", "http.response.status_code", "http.server.request.duration",
		"client.address", "request_id", "error.type", "exception.message",
	}
	for name := range line {
		if !slices.Contains(want, name) {
			t.Errorf("O1: the line has %s, which is none of %v", name, want)
		}
	}
	for _, name := range want {
		if _, there := line[name]; !there {
			t.Errorf("O1: the line lacks %s\n%s", name, log)
		}
	}
	if seconds, ok := line["http.server.request.duration"].(float64); !ok || seconds <= 0 || seconds > 10 {
		t.Errorf("O1: the duration is %v, expected seconds", line["http.server.request.duration"])
	}
}

func TestAccessLog_ClientHangsUp(t *testing.T) {
	t.Parallel()
	log, metrics := &syncedLog{}, telemetry.NewMetrics()
	asked := make(chan struct{}, 1)
	edge, err := New(Options{
		Resolver: principal.NewResolver(principal.Options{
			Verifier: anyToken{}, Cache: principal.NewCache(principal.CacheOptions{}),
			Users: failingUsers{func(ctx context.Context) error { asked <- struct{}{}; <-ctx.Done(); return ctx.Err() }},
		}),
		Limiter: noLimit(t), Metrics: metrics, Logger: slog.New(slog.NewJSONHandler(log, nil)), Version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(edge)
	defer server.Close()
	ctx, hangUp := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/v1/auth/verify-token", strings.NewReader(`{"token":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	go func() { <-asked; hangUp() }()
	if response, err := http.DefaultClient.Do(request); err == nil {
		_ = response.Body.Close()
		t.Fatal("the client was answered, expected it to have gone")
	}
	await(t, "a line in the access log", func() bool { return log.count(`"msg":"request"`) > 0 })
	if line := log.String(); !strings.Contains(line, `"http.response.status_code":499`) || !strings.Contains(line, `"level":"INFO"`) ||
		strings.Contains(line, "error.type") {
		t.Errorf("the line is %s, expected 499 as information", line)
	}
	scraped := httptest.NewRecorder()
	metrics.Handler().ServeHTTP(scraped, httptest.NewRequest(http.MethodGet, "/", nil))
	body := scraped.Body.String()
	if !strings.Contains(body, `http_response_status_code="499"`) || strings.Contains(body, `http_response_status_code="503"`) {
		t.Errorf("the metrics count no 499, or a 503")
	}
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	limit := time.NewTimer(5 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-limit.C:
			t.Fatalf("%s: not within 5 s", what)
		case <-tick.C:
		}
	}
}

// A middleware may wrap the writer, provided that Unwrap leads back.
func TestRequest_IsFoundBehindWrappedWriters(t *testing.T) {
	t.Parallel()
	type wrapped struct{ http.ResponseWriter }
	x := &request{ResponseWriter: httptest.NewRecorder()}
	if found := requestBehind(unwrapping{unwrapping{x}}); found != x {
		t.Errorf("found %p behind two writers, expected %p", found, x)
	}
	defer func() {
		if recover() == nil {
			t.Error("a writer without Unwrap was looked through")
		}
	}()
	requestBehind(wrapped{x})
}

type unwrapping struct{ http.ResponseWriter }

func (u unwrapping) Unwrap() http.ResponseWriter { return u.ResponseWriter }
