package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"

	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/testkit/otlptest"
)

func tracing(t *testing.T, to *otlptest.Collector, sampler string, ratio float64) *telemetry.Tracing {
	t.Helper()
	made, err := telemetry.NewTracing(t.Context(), telemetry.TracingOptions{
		Endpoint: to.URL + "/base/", Sampler: sampler, Ratio: ratio, Version: "test", Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func attributes(span *spans.Span) map[string]string {
	out := map[string]string{}
	for _, a := range span.Attributes {
		value := a.Value.GetStringValue()
		if value == "" {
			encoded, _ := json.Marshal(a.Value.GetIntValue())
			value = string(encoded)
		}
		out[a.Key] = value
	}
	return out
}

const (
	callersTrace = "0af7651916cd43dd8448eb211c80319c"
	callersSpan  = "b7ad6b7169203331"
)

func arrival(traceparent string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/v1/auth/login?token="+secret, strings.NewReader(secret))
	if traceparent != "" {
		r.Header.Set("traceparent", traceparent)
	}
	return r
}

func TestTracing_Sampling(t *testing.T) {
	t.Parallel()
	const sampled, unsampled = "00-" + callersTrace + "-" + callersSpan + "-01", "00-" + callersTrace + "-" + callersSpan + "-00"
	for name, want := range map[string]struct {
		ratio                      float64
		alone, asked, asksToBeLeft int
	}{
		"parentbased_always_on":    {1, 1, 1, 0},
		"parentbased_always_off":   {1, 0, 1, 0},
		"parentbased_traceidratio": {0, 0, 1, 0},
		"always_on":                {1, 1, 1, 1},
		"always_off":               {1, 0, 0, 0},
		"traceidratio":             {1, 1, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for what, c := range map[string]struct {
				traceparent string
				want        int
			}{"without a caller": {"", want.alone}, "sampled": {sampled, want.asked}, "not sampled": {unsampled, want.asksToBeLeft}} {
				got := otlptest.New(t, "/base/v1/traces")
				traces := tracing(t, got, name, want.ratio)
				ctx := traces.RequestArrived(arrival(c.traceparent))
				traces.RequestAnswered(ctx, http.MethodPost, "/v1/auth/login", 200, "")
				traces.Close()
				if len(got.Spans()) != c.want {
					t.Errorf("%s: %d spans were exported, expected %d", what, len(got.Spans()), c.want)
				}
			}
		})
	}
	if _, err := telemetry.NewTracing(t.Context(), telemetry.TracingOptions{Endpoint: "http://127.0.0.1:1", Sampler: "jaeger_remote"}); err == nil {
		t.Error("an unknown sampler was taken")
	}
}

// O1: OpenTelemetry's names.
func TestTracing_ServerSpans(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, route string
		status        int
		code          string
		name          string
		failed        bool
		want          map[string]string
	}{
		{"POST", "/v1/auth/login", 200, "", "POST /v1/auth/login", false, map[string]string{
			"http.request.method": "POST", "http.route": "/v1/auth/login", "http.response.status_code": "200", "url.scheme": "http",
		}},
		{"POST", "/v1/auth/login", 401, "invalid_credentials", "POST /v1/auth/login", false, map[string]string{
			"http.request.method": "POST", "http.route": "/v1/auth/login", "http.response.status_code": "401", "url.scheme": "http",
			"error.type": "invalid_credentials",
		}},
		{"POST", "/v1/auth/login", 503, "dependency_unavailable", "POST /v1/auth/login", true, map[string]string{
			"http.request.method": "POST", "http.route": "/v1/auth/login", "http.response.status_code": "503", "url.scheme": "http",
			"error.type": "dependency_unavailable",
		}},
		{"BREW", telemetry.NoRoute, 404, "not_found", "HTTP", false, map[string]string{
			"http.request.method": "_OTHER", "http.response.status_code": "404", "url.scheme": "http", "error.type": "not_found",
		}},
	} {
		got := otlptest.New(t, "/base/v1/traces")
		traces := tracing(t, got, "", 1)
		request := arrival("")
		request.Method = c.method
		traces.RequestAnswered(traces.RequestArrived(request), c.method, c.route, c.status, c.code)
		traces.Close()
		if len(got.Spans()) != 1 {
			t.Fatalf("%s: %d spans, expected 1", c.name, len(got.Spans()))
		}
		span := got.Spans()[0]
		if span.Name != c.name || span.Kind != spans.Span_SPAN_KIND_SERVER ||
			(span.Status.GetCode() == spans.Status_STATUS_CODE_ERROR) != c.failed {
			t.Errorf("%d %s: the span is %q %s %s", c.status, c.code, span.Name, span.Kind, span.Status)
		}
		if has := attributes(span); len(has) != len(c.want) {
			t.Errorf("%d %s: the span has %v, expected %v", c.status, c.code, has, c.want)
		} else {
			for name, value := range c.want {
				if has[name] != value {
					t.Errorf("%d %s: %s is %q, expected %q", c.status, c.code, name, has[name], value)
				}
			}
		}
		if strings.Contains(got.Raw(), secret) {
			t.Errorf("the query or the body was exported: %s", got.Raw())
		}
	}
}

type errWithSecret struct{}

func (errWithSecret) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("cannot reach https://g/?key=" + secret)
}

func TestTracing_ClientSpans(t *testing.T) {
	t.Parallel()
	got := otlptest.New(t, "/base/v1/traces")
	traces := tracing(t, got, "", 1)
	var forwarded []string
	google := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		forwarded = append(forwarded, r.Header.Values("traceparent")...)
		if r.URL.Path == "/v1/token" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer google.Close()
	ctx := traces.RequestArrived(arrival(""))
	for _, c := range []struct {
		path string
		base http.RoundTripper
	}{{"/v1/accounts:lookup", http.DefaultTransport}, {"/v1/token", http.DefaultTransport}, {"/v1/away", errWithSecret{}}} {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, google.URL+c.path+"?key="+secret, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := traces.Transport(c.base).RoundTrip(request); err == nil {
			_ = response.Body.Close()
		}
		if request.URL.RawQuery != "key="+secret {
			t.Errorf("the request itself was changed: %s", request.URL)
		}
	}
	traces.RequestAnswered(ctx, http.MethodPost, "/v1/auth/login", 200, "")
	traces.Close()

	if len(got.Spans()) != 4 || len(forwarded) != 0 {
		t.Fatalf("%d spans, expected 4; told the trace to others: %v", len(got.Spans()), forwarded)
	}
	for i, want := range []struct{ name, status, errorType string }{
		{"POST /v1/accounts:lookup", "200", ""}, {"POST /v1/token", "503", "503"}, {"POST /v1/away", "", "*errors.errorString"},
	} {
		span, has := got.Spans()[i], attributes(got.Spans()[i])
		if span.Name != want.name || has["http.response.status_code"] != want.status || has["error.type"] != want.errorType ||
			has["url.full"] != google.URL+strings.TrimPrefix(want.name, "POST ") || has["server.address"] != "127.0.0.1" {
			t.Errorf("the span is %q %v, expected %+v", span.Name, has, want)
		}
		if !bytes.Equal(span.ParentSpanId, got.Spans()[3].SpanId) || span.Kind != spans.Span_SPAN_KIND_CLIENT {
			t.Errorf("%s is not a client span of the request", span.Name)
		}
	}
	if strings.Contains(got.Raw(), secret) {
		t.Error("a secret was exported")
	}
}

type beside struct{ statements int }

func (b *beside) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	b.statements++
	return ctx
}

func (*beside) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func TestTracing_StatementSpans(t *testing.T) {
	t.Parallel()
	got := otlptest.New(t, "/base/v1/traces")
	traces, other := tracing(t, got, "", 1), &beside{}
	queries := traces.Queries(other)
	ctx := traces.RequestArrived(arrival(""))
	for _, sql := range []string{"-- name: UserByEmail :one\nSELECT id FROM auth.users WHERE email = $1", "begin"} {
		err := &pgconn.PgError{Code: "22P02", Message: "invalid input: " + secret, Detail: secret}
		statement := queries.TraceQueryStart(ctx, nil, pgx.TraceQueryStartData{SQL: sql, Args: []any{secret}})
		queries.TraceQueryEnd(statement, nil, pgx.TraceQueryEndData{Err: err})
	}
	queries.TraceQueryStart(t.Context(), nil, pgx.TraceQueryStartData{SQL: "SELECT 1"})
	traces.RequestAnswered(ctx, http.MethodPost, "/v1/auth/login", 200, "")
	traces.Close()

	if len(got.Spans()) != 3 || other.statements != 3 {
		t.Fatalf("%d spans and %d statements beside, expected 3 and 3", len(got.Spans()), other.statements)
	}
	for i, name := range []string{"UserByEmail", "BEGIN"} {
		span, has := got.Spans()[i], attributes(got.Spans()[i])
		if span.Name != name || has["db.system.name"] != "postgresql" || has["pgx.sql_state"] != "22P02" ||
			span.Status.GetCode() != spans.Status_STATUS_CODE_ERROR || !bytes.Equal(span.ParentSpanId, got.Spans()[2].SpanId) {
			t.Errorf("the span is %v, expected a failed %s below the request", span, name)
		}
	}
	for what, text := range map[string]string{"a secret": secret, "SQL": "SELECT"} {
		if strings.Contains(got.Raw(), text) {
			t.Errorf("%s was exported", what)
		}
	}
}

func TestLogger_LinesNameTheirTrace(t *testing.T) {
	t.Parallel()
	var off *telemetry.Tracing
	for traceparent, traced := range map[string]bool{
		"00-" + callersTrace + "-" + callersSpan + "-01": true,
		"00-" + callersTrace + "-" + callersSpan + "-00": true,
		"": false, "rubbish": false,
		"00-00000000000000000000000000000000-" + callersSpan + "-01":      false,
		"00-" + callersTrace + "-0000000000000000-01":                     false,
		"ff-" + callersTrace + "-" + callersSpan + "-01":                  false,
		"00-" + strings.ToUpper(callersTrace) + "-" + callersSpan + "-01": false,
		"00-" + callersTrace + "-" + callersSpan + "-01-more":             false,
	} {
		var line bytes.Buffer
		log := telemetry.NewLogger(&line, slog.LevelInfo, nil).With("part", "one")
		log.InfoContext(off.RequestArrived(arrival(traceparent)), "x", "user.id", "u-1")
		var fields map[string]any
		if err := json.Unmarshal(line.Bytes(), &fields); err != nil {
			t.Fatal(err)
		}
		if fields["part"] != "one" || fields["user.id"] != "u-1" {
			t.Errorf("%q: the line is %s", traceparent, line.String())
		}
		_, has := fields["trace_id"]
		if has != traced || traced && (fields["trace_id"] != callersTrace || fields["span_id"] != callersSpan) {
			t.Errorf("%q: the line is %s, expected the caller's trace: %t", traceparent, line.String(), traced)
		}
	}
}

func TestTracing_OffAllocatesNothing(t *testing.T) {
	var off *telemetry.Tracing
	request := arrival("")
	request.Header.Set("Authorization", "x")
	if n := testing.AllocsPerRun(100, func() {
		off.RequestAnswered(off.RequestArrived(request), http.MethodPost, "/v1/auth/login", 200, "")
	}); n != 0 {
		t.Errorf("a request allocates %v times, expected 0", n)
	}
	if off.Transport(http.DefaultTransport) != http.DefaultTransport || off.Queries(nil) != nil {
		t.Error("something is wrapped though nothing is traced")
	}
	off.Close()
}
