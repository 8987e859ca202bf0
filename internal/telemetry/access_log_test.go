package telemetry

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func FuzzAccessLogHandler_AreAsSlogWritesThem(f *testing.F) {
	f.Add("request", int64(1_700_000_000_123_456_789), "GET", "/v1/auth/me", int64(200), 0.000123, "127.0.0.1", "abc-1.2_3", "token_invalid")
	f.Add("", int64(1), "", "", int64(-1), 0.0, "::1", "", "")
	f.Add("a \"quote\"", int64(0), "\\", "\x00", int64(0), 1e-9, "é", "eyJhbGciOiJSUzI1NiJ9.e30", "\xff")
	f.Add("bearer abcdefghijklmnop", int64(-5), "~", "<&>", int64(9), -1.5, "\u2028", "AIza0123456789012345678901234567890", "\n")
	f.Fuzz(func(t *testing.T, message string, nanos int64, method, route string, status int64, took float64, client, id, code string) {
		line := slog.NewRecord(time.Unix(0, nanos), slog.LevelInfo, message, 0)
		line.AddAttrs(slog.String(FieldMethod, method), slog.String(FieldRoute, route), slog.Int64(FieldStatus, status),
			slog.Float64(FieldDuration, took), slog.String(FieldClient, client), slog.String(FieldRequestID, id), slog.String(FieldErrorType, code))
		var want, got bytes.Buffer
		r := newRedactor([]string{"token"})
		every := func(out *bytes.Buffer) slog.Handler {
			return slog.NewJSONHandler(out, &slog.HandlerOptions{ReplaceAttr: r.replace})
		}
		_ = every(&want).Handle(context.Background(), line)
		_ = accessLogHandler{every(&got), &BufferedWriter{out: &got}}.Handle(context.Background(), line)
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("wrote\n%s\nslog\n%s", got.Bytes(), want.Bytes())
		}
	})
}

func TestAccessLogHandler_LeaveTheRest(t *testing.T) {
	t.Parallel()
	for what, a := range map[string]slog.Attr{
		"a user's id": slog.String(FieldUserID, "x"), "an error": slog.Any(FieldError, context.Canceled), "a URL": slog.String(FieldURL, "x"),
		"any value in place of a route": slog.Any(FieldRoute, struct{}{}), "a group": slog.Group("http", "route", "x"),
		"a token for an id": slog.String(FieldRequestID, "eyJhbGciOiJSUzI1NiJ9.e30"), "infinity": slog.Float64(FieldDuration, 1e300),
	} {
		line := slog.NewRecord(time.Now(), slog.LevelInfo, "request", 0)
		line.AddAttrs(a)
		if text, plain := appendPlainLine(nil, line); plain {
			t.Errorf("%s is written as it is: %s", what, text)
		}
	}
	var out bytes.Buffer
	log := NewLogger(&out, slog.LevelInfo, nil)
	log.With("password", "correct-horse-battery").Info("request", FieldRoute, "/")
	log.WithGroup("password").Info("request", FieldRoute, "correct-horse-battery")
	if strings.Contains(out.String(), "battery") {
		t.Errorf("a secret is in the lines %s", &out)
	}
}
