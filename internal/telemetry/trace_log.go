package telemetry

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

type inTrace struct{ slog.Handler }

// Handle implements slog.Handler.
func (h inTrace) Handle(ctx context.Context, line slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		line = named(line, span)
	}
	return h.Handler.Handle(ctx, line)
}

// named keeps lines without a trace off the heap.
func named(line slog.Record, span trace.SpanContext) slog.Record {
	line = line.Clone()
	line.AddAttrs(slog.String(FieldTraceID, span.TraceID().String()), slog.String(FieldSpanID, span.SpanID().String()))
	return line
}

// WithAttrs implements slog.Handler.
func (h inTrace) WithAttrs(attributes []slog.Attr) slog.Handler {
	return inTrace{h.Handler.WithAttrs(attributes)}
}

// WithGroup implements slog.Handler.
func (h inTrace) WithGroup(name string) slog.Handler { return inTrace{h.Handler.WithGroup(name)} }
