package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"auth-v2-service/internal/telemetry"
)

const (
	jwt    = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
	secret = "correct-horse-battery"
)

type credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

type lateValue struct{}

func (lateValue) LogValue() slog.Value { return slog.GroupValue(slog.String("password", secret)) }

// T6: no secret is logged.
func TestLogger_SecretsNeverReachTheLine(t *testing.T) {
	cases := map[string]func(*slog.Logger){
		"by name":                func(l *slog.Logger) { l.Info("x", "password", secret) },
		"in another case":        func(l *slog.Logger) { l.Info("x", "PassWord", secret) },
		"in snake case":          func(l *slog.Logger) { l.Info("x", "refresh_token", secret) },
		"as a header":            func(l *slog.Logger) { l.Info("x", "X-API-Key", secret) },
		"as a dotted name":       func(l *slog.Logger) { l.Info("x", "http.request.header.authorization", secret) },
		"in a group":             func(l *slog.Logger) { l.Info("x", slog.Group("body", "idToken", secret)) },
		"in a group of its name": func(l *slog.Logger) { l.Info("x", slog.Group("password", "value", secret)) },
		"under WithGroup":        func(l *slog.Logger) { l.WithGroup("body").Info("x", "password", secret) },
		"by With":                func(l *slog.Logger) { l.With("password", secret).Info("x") },
		"in a map": func(l *slog.Logger) {
			l.Info("x", "body", map[string]any{"a": []any{map[string]string{"password": secret}}})
		},
		"in headers": func(l *slog.Logger) {
			l.Info("x", "headers", http.Header{"Authorization": {secret}, "Cookie": {secret}})
		},
		"in a struct":           func(l *slog.Logger) { l.Info("x", "body", &credentials{Password: secret}) },
		"in raw JSON":           func(l *slog.Logger) { l.Info("x", "body", json.RawMessage(`{"password":"`+secret+`"}`)) },
		"in a LogValuer":        func(l *slog.Logger) { l.Info("x", "who", lateValue{}) },
		"a number of that name": func(l *slog.Logger) { l.Info("x", "password", 12345678) },
		"a JWT as a value":      func(l *slog.Logger) { l.Info("x", "note", "got "+jwt) },
		"a JWT in the message":  func(l *slog.Logger) { l.Info("cannot parse " + jwt) },
		"a JWT cut short":       func(l *slog.Logger) { l.Info("x", "note", jwt[:30]) },
		"a JWT in an error":     func(l *slog.Logger) { l.Info("x", "error", fmt.Errorf("token %s: %w", jwt, io.EOF)) },
		"a bearer token":        func(l *slog.Logger) { l.Info("x", "note", "bEaReR "+secret) },
		"an API key in a URL":   func(l *slog.Logger) { l.Info("x", "url", "https://g/?key=AIza"+strings.Repeat("S", 35)) },
		"a value json refuses":  func(l *slog.Logger) { l.Info("x", "body", map[string]any{"password": secret, "f": func() {}}) },
	}
	for name, log := range cases {
		t.Run(name, func(t *testing.T) {
			var line bytes.Buffer
			log(telemetry.NewLogger(&line, slog.LevelInfo, []string{"password", "idToken", "refreshToken", "token"}))
			for _, leak := range []string{secret, "eyJ", "12345678", "SSSS"} {
				if strings.Contains(line.String(), leak) {
					t.Fatalf("%q is in the line: %s", leak, line.String())
				}
			}
			if !json.Valid(line.Bytes()) {
				t.Fatalf("not a JSON line: %s", line.String())
			}
		})
	}
}

func TestLogger_WhatIsNoSecretStays(t *testing.T) {
	var buffer bytes.Buffer
	log := telemetry.NewLogger(&buffer, slog.LevelInfo, []string{"password", "token"})
	log.Debug("below the level")
	log.Warn("the bearer token is missing", "user.id", "u-1", "token_kind", "firebase", "n", 3, "ok", true,
		"error", errors.New("dial tcp: refused"), "tags", []string{"a", "b"}, slog.Group("http", "route", "/v1/auth/login"))

	var line map[string]any
	if err := json.Unmarshal(buffer.Bytes(), &line); err != nil {
		t.Fatalf("one JSON line is expected: %v in %s", err, buffer.String())
	}
	want := map[string]string{
		"msg": "the bearer token is missing", "level": "WARN", "user.id": "u-1", "token_kind": "firebase", "n": "3", "ok": "true",
		"error": "dial tcp: refused", "tags": "[a b]", "http": "map[route:/v1/auth/login]",
	}
	for key, value := range want {
		if got := fmt.Sprint(line[key]); got != value {
			t.Errorf("%s is %q, want %q", key, got, value)
		}
	}
}

func BenchmarkLogger_AccessLine(b *testing.B) {
	log := telemetry.NewLogger(io.Discard, slog.LevelInfo, []string{"password", "idToken", "refreshToken", "token"})
	b.ReportAllocs()
	for b.Loop() {
		log.LogAttrs(b.Context(), slog.LevelInfo, "request", slog.String(telemetry.FieldMethod, "POST"),
			slog.String(telemetry.FieldRoute, "/v1/auth/verify-token"), slog.Int(telemetry.FieldStatus, 200),
			slog.Float64(telemetry.FieldDuration, 0.000123), slog.String(telemetry.FieldClient, "127.0.0.1"),
			slog.String(telemetry.FieldRequestID, "01JD3Z8Z8Z8Z8Z8Z8Z8Z8Z8Z8Z"))
	}
}
