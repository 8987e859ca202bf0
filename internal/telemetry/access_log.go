package telemetry

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"
)

// accessLogHandler writes plain lines as slog would, in a third of the time. A plain line has only numbers and our own words ([ours]).
type accessLogHandler struct {
	slog.Handler
	out *BufferedWriter
}

var lineBuffers = sync.Pool{New: func() any { return new([1024]byte) }}

// Handle implements slog.Handler.
func (h accessLogHandler) Handle(ctx context.Context, line slog.Record) error {
	buffer := lineBuffers.Get().(*[1024]byte)
	defer lineBuffers.Put(buffer)
	text, plain := appendPlainLine(buffer[:0], line)
	if !plain {
		return h.Handler.Handle(ctx, line)
	}
	if !isAccess(line) {
		_, err := h.out.Write(text)
		return err
	}
	return h.out.bufferLine(text)
}

// isAccess: only access lines have no source position.
func isAccess(line slog.Record) bool { return line.PC == 0 && line.Level == slog.LevelInfo }

// WithAttrs implements slog.Handler; slog writes such lines.
func (h accessLogHandler) WithAttrs(attributes []slog.Attr) slog.Handler {
	return h.Handler.WithAttrs(attributes)
}

// WithGroup implements slog.Handler.
func (h accessLogHandler) WithGroup(name string) slog.Handler { return h.Handler.WithGroup(name) }

func appendPlainLine(text []byte, line slog.Record) (_ []byte, plain bool) {
	if !isPlain(line.Message) || mask(line.Message) != line.Message || line.Time.IsZero() {
		return nil, false
	}
	text = append(text, `{"time":"`...)
	text = line.Time.Round(0).AppendFormat(text, time.RFC3339Nano)
	text = append(append(append(text, `","level":"`...), line.Level.String()...), `","msg":"`...)
	text = append(append(text, line.Message...), '"')
	plain = true
	line.Attrs(func(a slog.Attr) bool {
		text, plain = appendPlainAttr(text, a)
		return plain
	})
	return append(text, "}\n"...), plain
}

func appendPlainAttr(text []byte, a slog.Attr) (_ []byte, plain bool) {
	if !ours[a.Key] && (a.Key != FieldRequestID || mask(a.Value.String()) != a.Value.String()) {
		return text, false
	}
	text = append(append(append(text, `,"`...), a.Key...), `":`...)
	switch a.Value.Kind() {
	case slog.KindString:
		s := a.Value.String()
		return append(append(append(text, '"'), s...), '"'), isPlain(s)
	case slog.KindInt64:
		return strconv.AppendInt(text, a.Value.Int64(), 10), true
	case slog.KindFloat64:
		f := a.Value.Float64()
		return strconv.AppendFloat(text, f, 'f', -1, 64), f == 0 || f >= 1e-6 && f < 1e21 // beyond, JSON has exponents
	default:
		return text, false
	}
}

func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
