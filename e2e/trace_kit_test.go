package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"auth-v2-service/internal/testkit/otlptest"
	"auth-v2-service/internal/testkit/servicetest"
)

// traceOf gives the spans of one trace by their ids. The instance that made them has stopped.
func traceOf(c *otlptest.Collector, id string) map[string]*tracepb.Span {
	out := map[string]*tracepb.Span{}
	for _, span := range c.Spans() {
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
func expectNoneOf(t *testing.T, c *otlptest.Collector, secrets map[string]string) {
	t.Helper()
	exported := c.Raw()
	for what, secret := range secrets {
		if secret == "" || strings.Contains(exported, secret) {
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
