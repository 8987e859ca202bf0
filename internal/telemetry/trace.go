package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"
)

// instrumentation names the source of our own spans, as OpenTelemetry calls whoever makes them.
const instrumentation = "auth-v2-service"

// flushPatience is how long Close waits for the last spans to leave. It is less than what closing all parts may take, so that
// a collector that hangs is not taken for a database that does.
const flushPatience = time.Second

// TracingOptions say where spans go, and which.
type TracingOptions struct {
	// Endpoint is the collector's base URL for OTLP over HTTP; spans go to /v1/traces below it. Empty: nothing is exported.
	Endpoint string
	// Sampler is one of OpenTelemetry's names for OTEL_TRACES_SAMPLER, and Ratio what those with a ratio take.
	Sampler string
	Ratio   float64
	Version string // of the service
	Logger  *slog.Logger
}

// Tracing makes spans and exports them behind the requests: a collector that is slow or away costs spans, never time. A nil
// Tracing is valid and makes none; requests then still carry their caller's trace into the log. No span holds a query string,
// a header, a body, a statement's arguments or the text of an error. Safe for concurrent use.
//
// There is no global provider: what a library traces on its own account, with whatever attributes, is not exported.
type Tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	log      *slog.Logger
}

// NewTracing starts the export; it asks nothing of the collector yet. Without an endpoint it gives nil, which is no fault.
// What OpenTelemetry names beyond the options (headers, certificates, batches, resource attributes) its library reads.
func NewTracing(ctx context.Context, o TracingOptions) (*Tracing, error) {
	if o.Endpoint == "" {
		return nil, nil
	}
	target, err := url.JoinPath(o.Endpoint, "v1", "traces")
	if err != nil {
		return nil, fmt.Errorf("where traces go: %w", err)
	}
	sampler, err := samplerNamed(o.Sampler, o.Ratio)
	if err != nil {
		return nil, err
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		semconv.ServiceName(instrumentation), semconv.ServiceVersion(o.Version), semconv.ServiceInstanceID(uuid.NewString()),
	), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("what traces say of this service: %w", err)
	}
	otlp, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(target))
	if err != nil {
		return nil, fmt.Errorf("export traces: %w", err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(&exporter{SpanExporter: otlp, log: o.Logger}), sdktrace.WithResource(about), sdktrace.WithSampler(sampler),
	)
	return &Tracing{provider: provider, tracer: provider.Tracer(instrumentation), log: o.Logger}, nil
}

// samplerNamed gives the sampler of a name. The parent-based ones follow the caller's decision where there is a caller.
func samplerNamed(name string, ratio float64) (sdktrace.Sampler, error) {
	switch name {
	case "", "parentbased_always_on":
		return sdktrace.ParentBased(sdktrace.AlwaysSample()), nil
	case "parentbased_always_off":
		return sdktrace.ParentBased(sdktrace.NeverSample()), nil
	case "parentbased_traceidratio":
		return sdktrace.ParentBased(sdktrace.TraceIDRatioBased(ratio)), nil
	case "always_on":
		return sdktrace.AlwaysSample(), nil
	case "always_off":
		return sdktrace.NeverSample(), nil
	case "traceidratio":
		return sdktrace.TraceIDRatioBased(ratio), nil
	}
	return nil, fmt.Errorf("there is no trace sampler %q", name)
}

// Close sends what is left, within a second, and ends the export. Spans that end later are dropped.
func (t *Tracing) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushPatience)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.log.WarnContext(ctx, "the last traces did not leave in time", FieldError, err)
	}
}
