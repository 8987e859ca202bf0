package telemetry_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/telemetry"
)

func scrape(t *testing.T, m *telemetry.Metrics) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	body, err := io.ReadAll(recorder.Body)
	if err != nil || recorder.Code != 200 {
		t.Fatalf("scraping: status %d, %v", recorder.Code, err)
	}
	return string(body)
}

func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("the scrape lacks %q", line)
		}
	}
}

func TestMetrics_EveryOneIsScraped(t *testing.T) {
	m := telemetry.NewMetrics()
	m.RequestStarted()
	m.RequestStarted()
	m.RequestEnded("POST", "/v1/auth/login", 401, 20*time.Millisecond)
	m.TokenVerified("ok")
	m.TokenVerified("token_expired")
	m.FirstSight("created")
	m.CacheRequest("principal", "hit")
	m.FirebaseCall("sign_in", "ok", 80*time.Millisecond)
	m.RateLimited("address")
	m.KeysAge(func() time.Duration { return 90 * time.Second })
	m.KeysFetched(nil)
	m.KeysFetched(io.EOF)

	pool, err := pgxpool.New(t.Context(), "postgres://nobody@127.0.0.1:1/none?pool_max_conns=7")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	m.Pool("main", pool)

	text := scrape(t, m)
	wantLines(t, text,
		`http_server_request_duration_seconds_bucket{`+
			`http_request_method="POST",http_response_status_code="401",http_route="/v1/auth/login",le="0.025"} 1`,
		`http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="401",http_route="/v1/auth/login"} 1`,
		`http_server_active_requests 1`,
		`auth_token_verifications_total{result="ok"} 1`,
		`auth_token_verifications_total{result="token_expired"} 1`,
		`auth_first_sight_total{outcome="created"} 1`,
		`auth_cache_requests_total{cache="principal",result="hit"} 1`,
		`auth_firebase_request_duration_seconds_count{operation="sign_in",outcome="ok"} 1`,
		`auth_rate_limited_total{limit="address"} 1`,
		`auth_keys_age_seconds 90`, `auth_key_fetches_total{outcome="ok"} 1`, `auth_key_fetches_total{outcome="error"} 1`,
		`db_client_connection_max{db_client_connection_pool_name="main"} 7`,
		`db_client_connection_count{db_client_connection_pool_name="main",db_client_connection_state="idle"} 0`,
	)
	for _, family := range []string{"go_goroutines ", "process_resident_memory_bytes ", "go_build_info{"} {
		if !strings.Contains(text, "\n"+family) {
			t.Errorf("the scrape lacks %s", family)
		}
	}
}

func TestMetrics_InventedMethodsShareALabel(t *testing.T) {
	m := telemetry.NewMetrics()
	for _, method := range []string{"BREW", "get", "PROPFIND"} {
		m.RequestStarted()
		m.RequestEnded(method, "", 405, time.Millisecond)
	}
	wantLines(t, scrape(t, m),
		`http_server_request_duration_seconds_count{http_request_method="_OTHER",http_response_status_code="405",http_route=""} 3`)
}

func TestMetrics_ConcurrentRecordingLosesNothing(t *testing.T) {
	m := telemetry.NewMetrics()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 1000 {
				m.RequestStarted()
				m.RequestEnded("GET", "/v1/auth/me", 200+i%20, time.Microsecond)
				m.TokenVerified("ok")
			}
		})
	}
	all.Wait()
	wantLines(t, scrape(t, m), `auth_token_verifications_total{result="ok"} 8000`, `http_server_active_requests 0`,
		`http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="219",http_route="/v1/auth/me"} 400`)
}

func TestMetrics_RecordingAllocatesNothing(t *testing.T) {
	m := telemetry.NewMetrics()
	record := func() {
		m.RequestStarted()
		m.RequestEnded("POST", "/v1/auth/verify-token", 200, time.Millisecond)
		m.TokenVerified("ok")
		m.CacheRequest("principal", "hit")
	}
	record()
	if n := testing.AllocsPerRun(100, record); n != 0 {
		t.Errorf("recording a request allocates %v times, want 0", n)
	}
}

func BenchmarkMetrics_Request(b *testing.B) {
	m := telemetry.NewMetrics()
	b.ReportAllocs()
	for b.Loop() {
		m.RequestStarted()
		m.RequestEnded("POST", "/v1/auth/verify-token", 200, time.Millisecond)
	}
}
