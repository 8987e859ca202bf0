package telemetry

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

type failing struct{ err error }

func (f *failing) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return f.err }
func (*failing) Shutdown(context.Context) error                               { return nil }

func TestExporter_FloodsNoLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		collector := &failing{}
		e := &exporter{SpanExporter: collector, log: slog.New(slog.NewTextHandler(&log, nil))}
		batch := make([]sdktrace.ReadOnlySpan, 10)
		export := func(err error) {
			collector.err = err
			if e.ExportSpans(t.Context(), batch) != nil {
				t.Fatal("the library's error handler was called: it writes to standard error")
			}
			time.Sleep(5 * time.Second)
		}
		errAway := errors.New("connection refused")
		for range time.Hour / (5 * time.Second) {
			export(errAway)
		}
		if lines := strings.Count(log.String(), "\n"); lines != 60 || !strings.Contains(log.String(), "spans_lost=10 ") {
			t.Errorf("an hour away is %d lines, expected 60, the first of them at once", lines)
		}
		log.Reset()
		for range time.Hour / (10 * time.Second) {
			export(errAway)
			export(nil)
		}
		if lines := strings.Count(log.String(), "\n"); lines > 121 {
			t.Errorf("an hour of coming and going is %d lines, expected two a minute at most", lines)
		}
		log.Reset()
		time.Sleep(lossEvery)
		export(nil)
		export(nil)
		if lines := strings.Count(log.String(), "\n"); lines > 1 {
			t.Errorf("being well again is %d lines, expected one", lines)
		}
	})
}
