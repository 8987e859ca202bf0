package telemetry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestBufferedWriter_GatherWhatCanWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		lines := NewBufferedWriter(&out)
		log := NewLogger(lines, slog.LevelInfo, nil)
		access := func(status int) {
			line := slog.NewRecord(time.Now(), slog.LevelInfo, "request", 0)
			line.AddAttrs(slog.Int(FieldStatus, status))
			_ = log.Handler().Handle(context.Background(), line)
		}
		access(200)
		access(201)
		if out.Len() != 0 {
			t.Errorf("written at once: %s", &out)
		}
		log.Warn("something else")
		if got := order(out.String(), ":200}", ":201}", "something else"); got != "012" {
			t.Errorf("a warning came in the order %s: %s", got, &out)
		}
		log.Info("at once, too")
		if !strings.Contains(out.String(), "at once, too") {
			t.Error("a line that is no request's waits for others")
		}
		access(202)
		time.Sleep(flushDelay)
		synctest.Wait()
		if !strings.Contains(out.String(), ":202}") {
			t.Errorf("after %s the line is not there: %s", flushDelay, &out)
		}
		access(203)
		if err := lines.Flush(); err != nil || !strings.Contains(out.String(), ":203}") {
			t.Errorf("after a flush (%v) the line is not there: %s", err, &out)
		}
		for range bufferSize / 50 {
			access(204)
		}
		if !strings.Contains(out.String(), ":204}") {
			t.Error("more was gathered than there is room for")
		}
	})
}

func TestBufferedWriter_BrokenLog(t *testing.T) {
	t.Parallel()
	broken := &breaking{err: io.ErrClosedPipe}
	lines := NewBufferedWriter(broken)
	_ = lines.bufferLine([]byte("one\n"))
	if err := lines.Flush(); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("flushed with %v", err)
	}
	broken.err = nil
	if _, err := lines.Write([]byte("two\n")); err != nil || broken.String() != "two\n" {
		t.Errorf("%v, wrote %q", err, broken.String())
	}
}

type breaking struct {
	bytes.Buffer
	err error
}

func (b *breaking) Write(line []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	return b.Buffer.Write(line)
}

func order(text string, words ...string) (numbers string) {
	for len(numbers) < len(words) {
		first, at := -1, len(text)
		for i, word := range words {
			if n := strings.Index(text, word); n >= 0 && n < at && !strings.Contains(numbers, string(rune('0'+i))) {
				first, at = i, n
			}
		}
		if first < 0 {
			return numbers
		}
		numbers += string(rune('0' + first))
	}
	return numbers
}
