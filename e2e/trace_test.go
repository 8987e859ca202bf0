package e2e

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"auth-v2-service/internal/testkit/otlptest"
	"auth-v2-service/internal/testkit/servicetest"
)

const (
	callersTrace = "0af7651916cd43dd8448eb211c80319c"
	callersSpan  = "b7ad6b7169203331"
	traceparent  = "00-" + callersTrace + "-" + callersSpan + "-01"
)

// O1: the spans of Firebase's calls and the statements are in the caller's trace, without secrets.
func TestTrace_Register(t *testing.T) {
	t.Parallel()
	c := otlptest.New(t, "/v1/traces")
	s := servicetest.Start(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL})
	email, query := servicetest.Email(), "secret-of-the-query"
	registered := ask(t, s, http.MethodPost, "/v1/auth/register?key="+query, registerBody(t, email, servicetest.Password),
		"Traceparent", traceparent, "Tracestate", "vendor=of-a-stranger", "X-Request-Id", "traced")
	registered.expect(t, "register", http.StatusCreated, "")
	var session struct {
		Data struct{ IDToken, RefreshToken string }
	}
	if err := json.Unmarshal(registered.body, &session); err != nil {
		t.Fatal(err)
	}
	ask(t, s, http.MethodPost, "/v1/auth/register", registerBody(t, email, "AnotherPassword456")).expect(t, "register again", http.StatusConflict, "email_taken")
	verify(t, s, session.Data.IDToken).expect(t, "verify-token", http.StatusOK, "")
	ask(t, s, http.MethodGet, "/v1/users/"+email, "").expect(t, "an address in the path", http.StatusNotFound, "not_found")
	s.Stop(t) // exports the last spans

	trace := traceOf(c, callersTrace)
	root := expectServerSpan(t, trace)
	expectBelow(t, trace, root)
	for _, name := range []string{"accounts", "accounts:signInWithPassword"} {
		expectFirebaseSpan(t, trace, root, name)
	}
	for _, name := range []string{"ClaimRegistration", "RecordSignIn"} {
		expectStatementSpan(t, trace, name)
	}
	for _, line := range linesOf(t, s, "traced") {
		if line["trace_id"] != callersTrace || line["span_id"] != idText(root.SpanId) {
			t.Errorf("O1: the line %v names another trace or span", line)
		}
	}
	expectNoneOf(t, c, map[string]string{
		"the password": servicetest.Password, "another password": "AnotherPassword456", "the e-mail": email,
		"the e-mail's name": strings.TrimSuffix(email, "@example.com"), "the ID token": session.Data.IDToken,
		"the refresh token": session.Data.RefreshToken, "any JWT": "eyJ", "the API key": s.Environment()["FIREBASE_API_KEY"],
		"the query": query, "any query": "key=", "SQL": "SELECT", "a bearer": "Bearer",
		"the caller's tracestate": "of-a-stranger",
	})
}

func expectServerSpan(t *testing.T, trace map[string]*tracepb.Span) *tracepb.Span {
	t.Helper()
	roots := named(trace, "POST /v1/auth/register")
	if len(roots) != 1 {
		t.Fatalf("O1: %d spans of the request, expected 1 in %v", len(roots), trace)
	}
	root := roots[0]
	if root.Kind != tracepb.Span_SPAN_KIND_SERVER || idText(root.ParentSpanId) != callersSpan ||
		attribute(root, "http.route") != "/v1/auth/register" || attribute(root, "http.request.method") != "POST" ||
		attribute(root, "http.response.status_code") != int64(http.StatusCreated) {
		t.Errorf("O1: the request's span is %v, expected the server's below its caller's", root)
	}
	return root
}

func expectBelow(t *testing.T, trace map[string]*tracepb.Span, root *tracepb.Span) {
	t.Helper()
	for _, span := range trace {
		above := span
		for above != nil && above != root {
			above = trace[idText(above.ParentSpanId)]
		}
		if above != root {
			t.Errorf("O1: %s is not below the request", span.Name)
		}
	}
}

func expectFirebaseSpan(t *testing.T, trace map[string]*tracepb.Span, root *tracepb.Span, operation string) {
	t.Helper()
	found := 0
	for _, span := range trace {
		path, _ := attribute(span, "url.template").(string)
		if !strings.HasSuffix(path, "/"+operation) {
			continue
		}
		found++
		if span.Kind != tracepb.Span_SPAN_KIND_CLIENT || string(span.ParentSpanId) != string(root.SpanId) || span.Name != "POST "+path ||
			attribute(span, "http.response.status_code") != int64(http.StatusOK) {
			t.Errorf("O1: the call to Firebase is %v, expected a client's span below the request", span)
		}
	}
	if found != 1 {
		t.Errorf("O1: %d spans of Firebase's %s, expected 1", found, operation)
	}
}

func expectStatementSpan(t *testing.T, trace map[string]*tracepb.Span, name string) {
	t.Helper()
	statements := 0
	for _, span := range named(trace, name) {
		if attribute(span, "pgx.prepare_stmt.name") != nil {
			continue // its preparation
		}
		statements++
		if span.Kind != tracepb.Span_SPAN_KIND_CLIENT || attribute(span, "db.system.name") != "postgresql" ||
			attribute(span, "db.query.text") != nil || attribute(span, "pgx.query.parameters") != nil {
			t.Errorf("O1: the statement's span is %v, expected its name and no text", span)
		}
	}
	if statements == 0 {
		t.Errorf("O1: no span of the statement %s", name)
	}
}

// The log still has the caller's trace. An invalid traceparent counts as none.
func TestTrace_NothingIsExported(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	for name, c := range map[string]struct {
		header string
		traced bool
	}{
		"valid":            {traceparent, true},
		"not-sampled":      {"00-" + callersTrace + "-" + callersSpan + "-00", true},
		"rubbish":          {"rubbish", false},
		"no-trace":         {"00-00000000000000000000000000000000-" + callersSpan + "-01", false},
		"no-span":          {"00-" + callersTrace + "-0000000000000000-01", false},
		"forbidden":        {"ff-" + callersTrace + "-" + callersSpan + "-01", false},
		"upper-case":       {strings.ToUpper(traceparent), false},
		"too-long":         {traceparent + "-more", false},
		"half-of-anything": {traceparent[:30], false},
	} {
		ask(t, s, http.MethodPost, "/v1/auth/verify-token", `{"token":"x"}`, "Traceparent", c.header, "X-Request-Id", name).
			expect(t, "verify-token, traceparent "+name, http.StatusUnauthorized, "token_invalid")
		lines := linesOf(t, s, name)
		if len(lines) == 0 {
			t.Errorf("%s: no line of the request", name)
		}
		for _, line := range lines {
			_, has := line["trace_id"]
			if has != c.traced || c.traced && (line["trace_id"] != callersTrace || line["span_id"] != callersSpan) {
				t.Errorf("O1: the traceparent %q gave the line %v, expected the caller's trace: %t", c.header, line, c.traced)
			}
		}
	}
}

func TestTrace_CollectorAway(t *testing.T) {
	t.Parallel()
	for name, endpoint := range map[string]func(*testing.T) string{"away": nobodyListens, "hanging": hangingCollector} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servicetest.Start(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint(t)})
			session := s.Person(t)
			const requests = 600 // over one batch
			slowest := time.Duration(0)
			for range requests {
				r := verify(t, s, session.IDToken)
				r.expect(t, "verify-token, collector "+name, http.StatusOK, "")
				slowest = max(slowest, r.took)
			}
			if slowest > 4*time.Second { // the exporter waits longer
				t.Errorf("the slowest of %d requests took %s: the collector was waited for", requests, slowest)
			}
			began := time.Now()
			s.Stop(t)
			stopped := time.Since(began)
			if stopped > 5*time.Second {
				t.Errorf("stopping took %s", stopped)
			}
			said := strings.Count(s.Log.String(), "traces cannot be exported") + strings.Count(s.Log.String(), "last traces did not leave")
			if said < 1 || said > 2 {
				t.Errorf("the log says %d times that traces are lost, expected that it does, and no flood", said)
			}
			t.Logf("collector %s: the slowest of %d requests took %s; stopped in %s", name, requests, slowest, stopped)
		})
	}
}

func nobodyListens(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return "http://" + listener.Addr().String()
}

func hangingCollector(t *testing.T) string {
	t.Helper()
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	t.Cleanup(func() {
		close(over)
		server.Close()
	})
	return server.URL
}
