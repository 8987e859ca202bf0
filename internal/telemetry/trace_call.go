package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"
)

// Transport makes client spans. Paths must name operations, not users. Queries hold API keys, so spans omit them; otelhttp would not. The
// server does not receive the trace.
func (t *Tracing) Transport(base http.RoundTripper) http.RoundTripper {
	if t == nil {
		return base
	}
	return tracedTransport{base: base, tracer: t.tracer}
}

type tracedTransport struct {
	base   http.RoundTripper
	tracer trace.Tracer
}

// RoundTrip implements http.RoundTripper.
func (t tracedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, span := t.tracer.Start(r.Context(), r.Method+" "+r.URL.Path, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(callAttributes(r)...))
	defer span.End()
	response, err := t.base.RoundTrip(r.WithContext(ctx))
	switch {
	case err != nil:
		span.SetAttributes(semconv.ErrorTypeKey.String(typeOf(err)))
		span.SetStatus(codes.Error, "")
	case response.StatusCode >= http.StatusBadRequest:
		span.SetAttributes(semconv.HTTPResponseStatusCode(response.StatusCode),
			semconv.ErrorTypeKey.String(strconv.Itoa(response.StatusCode)))
		span.SetStatus(codes.Error, "")
	default:
		span.SetAttributes(semconv.HTTPResponseStatusCode(response.StatusCode))
	}
	return response, err
}

func callAttributes(r *http.Request) []attribute.KeyValue {
	bare := url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Path: r.URL.Path}
	attributes := []attribute.KeyValue{
		semconv.HTTPRequestMethodKey.String(r.Method), semconv.URLFull(bare.String()), semconv.URLTemplate(bare.Path),
		semconv.ServerAddress(bare.Hostname()),
	}
	if port, err := strconv.Atoi(bare.Port()); err == nil {
		attributes = append(attributes, semconv.ServerPort(port))
	}
	return attributes
}

// typeOf omits error texts.
func typeOf(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	}
	return fmt.Sprintf("%T", err)
}
