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

const instrumentation = "auth-v2-service"

// flushPatience is below the shutdown's time, so that a hanging collector is not taken for the database.
const flushPatience = time.Second

// TracingOptions configures a Tracing.
type TracingOptions struct {
	// Endpoint is the OTLP base URL. Empty: no export.
	Endpoint string
	// Sampler and Ratio are OTEL_TRACES_SAMPLER and its argument.
	Sampler string
	Ratio   float64
	Version string
	Logger  *slog.Logger
}

// Tracing exports in the background: a slow collector loses spans but delays no request. Spans hold no query, header, body, argument or
// error text. A nil Tracing makes no spans, but logs name the caller's trace. It is safe for concurrent use. There is no global provider:
// libraries' own spans are not exported.
type Tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	log      *slog.Logger
}

// NewTracing does not connect. Without an endpoint it returns nil, nil. The library reads other OTEL variables itself.
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

// samplerNamed: parent-based samplers follow the caller's decision.
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

// Close exports the last spans within a second.
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
