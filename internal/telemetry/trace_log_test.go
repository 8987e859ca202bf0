package telemetry

import (
	"log/slog"
	"testing"
	"time"
)

func TestInTrace_AllocatesNothingOutsideOne(t *testing.T) {
	handler, line, ctx := inTrace{slog.DiscardHandler}, slog.NewRecord(time.Time{}, slog.LevelInfo, "request", 0), t.Context()
	if n := testing.AllocsPerRun(100, func() { _ = handler.Handle(ctx, line) }); n != 0 {
		t.Errorf("a line allocates %v times more, expected 0", n)
	}
}
