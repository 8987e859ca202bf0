package telemetry

import (
	"context"
	"log/slog"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// lossEvery is how often, at most, the log hears that spans are lost.
const lossEvery = time.Minute

// exporter stands between the batches and OTLP. It takes free text out of spans, and keeps failures from the library's own
// error handler, which would write a line of plain text to standard error for each batch.
type exporter struct {
	sdktrace.SpanExporter
	log *slog.Logger

	mu    sync.Mutex
	lost  int
	heard time.Time // when the log last heard of a loss
}

// ExportSpans implements sdktrace.SpanExporter. It reports no error: there is nobody left to tell.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	wordless := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, span := range spans {
		wordless[i] = withoutWords{span}
	}
	err := e.SpanExporter.ExportSpans(ctx, wordless)
	if err != nil {
		e.tellLoss(ctx, len(spans), err)
	} else {
		e.tellRecovery(ctx)
	}
	return nil
}

func (e *exporter) tellLoss(ctx context.Context, spans int, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lost += spans
	if now := time.Now(); e.heard.IsZero() || now.Sub(e.heard) >= lossEvery {
		e.heard = now
		e.log.WarnContext(ctx, "traces cannot be exported", FieldSpansLost, e.lost, FieldError, err)
	}
}

// tellRecovery waits as long as a loss does, so that a collector that comes and goes is not a line each time.
func (e *exporter) tellRecovery(ctx context.Context) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lost == 0 || time.Since(e.heard) < lossEvery {
		return
	}
	e.log.InfoContext(ctx, "traces are exported again", FieldSpansLost, e.lost)
	e.lost, e.heard = 0, time.Time{}
}

// withoutWords is a span less what nobody can vouch for: the texts of errors, which libraries note as events and as the
// status's description, and where databases and clients quote what people have sent. The code of a status stays.
type withoutWords struct{ sdktrace.ReadOnlySpan }

// Events implements sdktrace.ReadOnlySpan.
func (withoutWords) Events() []sdktrace.Event { return nil }

// Status implements sdktrace.ReadOnlySpan.
func (s withoutWords) Status() sdktrace.Status {
	return sdktrace.Status{Code: s.ReadOnlySpan.Status().Code}
}
