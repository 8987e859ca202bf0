package telemetry

import (
	"context"
	"log/slog"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

const lossEvery = time.Minute

// exporter hides errors from the library, which would print each.
type exporter struct {
	sdktrace.SpanExporter
	log *slog.Logger

	mu    sync.Mutex
	lost  int
	heard time.Time
}

// ExportSpans implements sdktrace.SpanExporter.
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

// tellRecovery waits, so that a flapping collector floods no log.
func (e *exporter) tellRecovery(ctx context.Context) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.lost == 0 || time.Since(e.heard) < lossEvery {
		return
	}
	e.log.InfoContext(ctx, "traces are exported again", FieldSpansLost, e.lost)
	e.lost, e.heard = 0, time.Time{}
}

// withoutWords drops error texts, which quote clients' data.
type withoutWords struct{ sdktrace.ReadOnlySpan }

// Events implements sdktrace.ReadOnlySpan.
func (withoutWords) Events() []sdktrace.Event { return nil }

// Status implements sdktrace.ReadOnlySpan.
func (s withoutWords) Status() sdktrace.Status {
	return sdktrace.Status{Code: s.ReadOnlySpan.Status().Code}
}
