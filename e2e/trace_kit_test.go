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

// traceOf returns spans by ID, after the instance stopped.
func traceOf(c *otlptest.Collector, id string) map[string]*tracepb.Span {
	out := map[string]*tracepb.Span{}
	for _, span := range c.Spans() {
		if idText(span.TraceId) == id {
			out[idText(span.SpanId)] = span
		}
	}
	return out
}

func idText(id []byte) string { return fmt.Sprintf("%x", id) }

func named(trace map[string]*tracepb.Span, name string) (out []*tracepb.Span) {
	for _, span := range trace {
		if span.Name == name {
			out = append(out, span)
		}
	}
	return out
}

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

// expectNoneOf searches all that was exported.
func expectNoneOf(t *testing.T, c *otlptest.Collector, secrets map[string]string) {
	t.Helper()
	exported := c.Raw()
	for what, secret := range secrets {
		if secret == "" || strings.Contains(exported, secret) {
			t.Errorf("O1: %s was exported (or is empty): %q", what, secret)
		}
	}
}

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
