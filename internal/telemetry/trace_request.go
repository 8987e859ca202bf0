package telemetry

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"
)

// NoRoute is the route of unmatched requests.
const NoRoute = "unmatched"

// caller reads W3C's traceparent and tracestate.
var caller propagation.TraceContext

// RequestArrived returns the context with the caller's trace and a new span. RequestAnswered must follow.
func (t *Tracing) RequestArrived(r *http.Request) context.Context {
	ctx := r.Context()
	if r.Header["Traceparent"] != nil { // Extract allocates
		ctx = caller.Extract(ctx, propagation.HeaderCarrier(r.Header))
		// tracestate is free text and must not leave
		ctx = trace.ContextWithRemoteSpanContext(ctx, trace.SpanContextFromContext(ctx).WithTraceState(trace.TraceState{}))
	}
	if t == nil {
		return ctx
	}
	ctx, _ = t.tracer.Start(ctx, spanNameOf(r.Method), trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(semconv.HTTPRequestMethodKey.String(KnownMethod(r.Method)), semconv.URLScheme(schemeOf(r))))
	return ctx
}

// RequestAnswered ends the span. errorType is a refusal code or "".
func (t *Tracing) RequestAnswered(ctx context.Context, method, route string, status int, errorType string) {
	if t == nil {
		return
	}
	span := trace.SpanFromContext(ctx)
	defer span.End()
	if !span.IsRecording() {
		return
	}
	attributes := append(make([]attribute.KeyValue, 0, 3), semconv.HTTPResponseStatusCode(status))
	if route != NoRoute {
		span.SetName(spanNameOf(method) + " " + route)
		attributes = append(attributes, semconv.HTTPRoute(route))
	}
	if errorType != "" {
		attributes = append(attributes, semconv.ErrorTypeKey.String(errorType))
	}
	span.SetAttributes(attributes...)
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
}

func spanNameOf(method string) string {
	if known := KnownMethod(method); known == method {
		return method
	}
	return "HTTP"
}

func schemeOf(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}
