package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"auth-v2-service/internal/testkit/servicetest"
)

// collector receives OTLP over HTTP and keeps what it was sent, decoded and as it came.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	raw   bytes.Buffer
	spans []*tracepb.Span
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var request collectorpb.ExportTraceServiceRequest
		if err = errors.Join(err, proto.Unmarshal(body, &request)); err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("the collector was sent %s: %v", r.URL, err)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw.Write(body)
		for _, resource := range request.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				c.spans = append(c.spans, scope.Spans...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// trace gives the spans of one trace by their ids. The instance that made them has stopped.
func (c *collector) trace(id string) map[string]*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]*tracepb.Span{}
	for _, span := range c.spans {
		if idText(span.TraceId) == id {
			out[idText(span.SpanId)] = span
		}
	}
	return out
}

// idText is the id of a trace or a span as headers and logs have it.
func idText(id []byte) string { return fmt.Sprintf("%x", id) }

// named are the spans of a trace of which name is the name.
func named(trace map[string]*tracepb.Span, name string) (out []*tracepb.Span) {
	for _, span := range trace {
		if span.Name == name {
			out = append(out, span)
		}
	}
	return out
}

// attribute is a span's, as text or as a number.
func attribute(span *tracepb.Span, name string) any {
	for _, a := range span.Attributes {
		if a.Key == name {
			if a.Value.GetStringValue() != "" {
				return a.Value.GetStringValue()
			}
			return a.Value.GetIntValue()
		}
	}
	return nil
}

// expectNoneOf demands that nothing of what is secret or names a person was exported, whatever field it might hide in.
func (c *collector) expectNoneOf(t *testing.T, secrets map[string]string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for what, secret := range secrets {
		if secret == "" || strings.Contains(c.raw.String(), secret) {
			t.Errorf("O1: %s was exported (or is empty): %q", what, secret)
		}
	}
}

// linesOf are the lines of the log that belong to a request.
func linesOf(t *testing.T, s *servicetest.Service, requestID string) (out []map[string]any) {
	t.Helper()
	for line := range strings.Lines(s.Log.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("not a JSON line: %s", line)
		}
		if fields["request_id"] == requestID {
			out = append(out, fields)
		}
	}
	return out
}
