package e2e

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"auth-v2-service/internal/testkit/servicetest"
)

// Any other request id is replaced, so that no client forges log lines.
func TestRequestID_EchoedOrReplaced(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	ours := regexp.MustCompile(`^[0-9a-f]{32}$`)
	for _, sane := range []string{"a", "4bf92f3577b34da6", "Trace.1_2-3", strings.Repeat("x", 64)} {
		if got := ask(t, s, "GET", "/health/live", "", "X-Request-Id", sane).header.Values("X-Request-Id"); len(got) != 1 || got[0] != sane {
			t.Errorf("the request id %q came back as %q, expected itself", sane, got)
		}
	}
	for _, other := range []string{"", strings.Repeat("x", 65), "two words", "a\tb", `"quoted"`, "é", "a;b", "../etc"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/nowhere", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header["X-Request-Id"] = []string{other}
		answer := send(t, s, request)
		id := answer.header.Get("X-Request-Id")
		if !ours.MatchString(id) {
			t.Errorf("the request id %q came back as %q, expected one of ours", other, id)
		}
		if !strings.Contains(string(answer.body), `"request_id":"`+id+`"`) {
			t.Errorf("the envelope does not name %s: %s", id, answer.body)
		}
		if !strings.Contains(s.Log.String(), `"request_id":"`+id+`"`) {
			t.Errorf("the log does not name %s", id)
		}
	}
}

func TestSecurityHeaders_OnEveryAnswer(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	want := map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Strict-Transport-Security": "max-age=31536000",
	}
	for _, path := range []string{"/health/live", "/v1/auth/me", "/nowhere", "/docs", "/openapi.yaml"} {
		answer := ask(t, s, "GET", path, "")
		for name, value := range want {
			if got := answer.header.Get(name); got != value {
				t.Errorf("%s: %s is %q, expected %q", path, name, got, value)
			}
		}
		policy := answer.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: Content-Security-Policy is %q, expected one that begins with nothing", path, policy)
		}
		if strings.Contains(policy, "unsafe-eval") || strings.Contains(policy, "script-src 'unsafe-inline'") {
			t.Errorf("%s: Content-Security-Policy lets any script run: %q", path, policy)
		}
		if answer.header.Get("Server") != "" || answer.header.Get("X-Powered-By") != "" {
			t.Errorf("%s: the answer says what serves it", path)
		}
	}
}

func TestDocs_NeedNoInternet(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	page := string(ask(t, s, "GET", "/docs", "").body)
	for _, loads := range []string{`src="http`, `href="http`, `src="//`, "@import", `rel="stylesheet`} {
		if head, _, _ := strings.Cut(page, "<script>"); strings.Contains(head, loads) {
			t.Errorf("/docs loads something from elsewhere: %s", loads)
		}
	}
	if !strings.Contains(page, `url: "/openapi.yaml"`) {
		t.Error("/docs does not show /openapi.yaml")
	}
}

func TestCORS_OnlyListedOrigins(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	none := stack.Start(t)
	some := stack.Start(t, map[string]string{"CORS_ORIGINS": "https://app.example.com,http://localhost:5173"})
	allowed := func(s *servicetest.Service, origin string) (simple, preflight string) {
		answer := ask(t, s, "GET", "/health/live", "", "Origin", origin)
		before := ask(t, s, "OPTIONS", "/v1/auth/login", "", "Origin", origin,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type")
		return answer.header.Get("Access-Control-Allow-Origin"), before.header.Get("Access-Control-Allow-Origin")
	}
	for _, origin := range []string{"https://app.example.com", "http://localhost:5173"} {
		if simple, preflight := allowed(some, origin); simple != origin || preflight != origin {
			t.Errorf("the listed origin %s was answered %q and %q, expected itself", origin, simple, preflight)
		}
		if simple, preflight := allowed(none, origin); simple != "" || preflight != "" {
			t.Errorf("%s was let in without a list: %q and %q", origin, simple, preflight)
		}
	}
	for _, origin := range []string{
		"https://evil.example.com", "https://app.example.com.evil.com", "http://app.example.com", "https://app.example.com:444", "null",
	} {
		if simple, preflight := allowed(some, origin); simple != "" || preflight != "" {
			t.Errorf("the origin %s was let in: %q and %q", origin, simple, preflight)
		}
	}
	answer := ask(t, some, "GET", "/v1/auth/me", "", "Origin", "https://app.example.com")
	if answer.header.Get("Access-Control-Allow-Origin") == "" {
		t.Error("a 401 without Access-Control-Allow-Origin cannot be read by the page that got it")
	}
	if answer.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Error("cookies are allowed across origins, expected bearer tokens only")
	}
}

// Tracing libraries and HTTP clients add these headers by themselves. All others stay closed.
func TestCORS_HeadersAndMethods(t *testing.T) {
	t.Parallel()
	const origin = "https://app.example.com"
	s := servicetest.Start(t, map[string]string{"CORS_ORIGINS": origin})
	allowed := func(path, method, headers string) bool {
		answer := ask(t, s, "OPTIONS", path, "", "Origin", origin,
			"Access-Control-Request-Method", method, "Access-Control-Request-Headers", headers)
		return answer.header.Get("Access-Control-Allow-Origin") == origin
	}
	for _, headers := range []string{
		"authorization", "content-type", "idempotency-key", "x-request-id", "traceparent", "tracestate", "baggage", "b3", "x-b3-traceid",
		"x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags", "uber-trace-id", "sentry-trace", "x-amzn-trace-id",
		"x-cloud-trace-context", "x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-origin", "x-datadog-sampling-priority", "x-correlation-id",
		"x-requested-with", "cache-control", "pragma", "accept", "accept-language", "content-language", "if-none-match", "if-modified-since",
		"authorization,baggage,content-type,sentry-trace,traceparent,tracestate", "Authorization, TraceParent, TraceState", "",
	} {
		if !allowed("/v1/auth/login", "POST", headers) {
			t.Errorf("a preflight with %q is refused", headers)
		}
	}
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
		if !allowed("/v1/auth/me", method, "authorization,traceparent") {
			t.Errorf("a preflight for %s is refused", method)
		}
	}
	for _, headers := range []string{"x-user-id", "x-auth-kind", "x-forwarded-for", "x-api-key", "x-anything", "authorization,x-user-id"} {
		if allowed("/v1/auth/login", "POST", headers) {
			t.Errorf("a preflight with %q is let in", headers)
		}
	}
	if allowed("/v1/auth/me", "TRACE", "") {
		t.Error("a preflight for TRACE is let in")
	}
}

func TestMetrics_Content(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	session := s.Person(t)
	s.Verify(t, session.IDToken)
	s.Verify(t, "no.such.token")
	ask(t, s, "GET", "/v1/auth/nobody-knows-this", "").expect(t, "an unknown path", 404, "not_found")
	response, err := http.Get(s.MetricsURL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	text := string(body)
	for _, line := range []string{
		`http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="201",http_route="/v1/auth/register"} 1`,
		`http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="401",http_route="/v1/auth/verify-token"} 1`,
		`http_response_status_code="404",http_route="unmatched"`,
		`http_server_active_requests 0`,
		`auth_token_verifications_total{result="ok"}`,
		`auth_token_verifications_total{result="token_invalid"} 1`,
		`auth_cache_requests_total{cache="tokens",result="miss"}`,
		`auth_firebase_request_duration_seconds_count{operation="create_user",outcome="ok"} 1`,
		`auth_keys_age_seconds`, `auth_changes_listening 1`, `go_goroutines`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("the metrics lack %s", line)
		}
	}
	for _, private := range []string{*session.Email, session.UID, "nobody-knows-this", session.IDToken} {
		if strings.Contains(text, private) {
			t.Errorf("the metrics show %.20s", private)
		}
	}
}
