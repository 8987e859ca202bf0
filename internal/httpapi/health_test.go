package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/telemetry"
)

type syncedLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *syncedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *syncedLog) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.text.String() }

func (l *syncedLog) count(words string) int { return strings.Count(l.String(), words) }

// O2: a failure and a return are logged once.
func TestHealth_OptionalCheckIsLoggedWhenItTurns(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	log := &syncedLog{}
	edge, err := New(Options{
		Resolver: principal.NewResolver(principal.Options{Verifier: anyToken{}, Users: failingUsers{}, Cache: principal.NewCache(principal.CacheOptions{})}),
		Limiter:  noLimit(t), Metrics: telemetry.NewMetrics(), Logger: slog.New(slog.NewJSONHandler(log, nil)), Version: "test",
		Checks: []Check{{Name: "redis", Probe: func(context.Context) error {
			if away.Load() {
				return errCause
			}
			return nil
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	expect := func(failing, back int) {
		t.Helper()
		for range 3 {
			if got := call(edge, "GET", "/health", "").Code; got != 200 {
				t.Errorf("health answered %d, expected 200", got)
			}
		}
		if f, b := log.count("optional dependency is failing"), log.count("optional dependency is back"); f != failing || b != back {
			t.Errorf("the log says %d times failing and %d times back, expected %d and %d\n%s", f, b, failing, back, log)
		}
	}
	expect(0, 0)
	away.Store(true)
	expect(1, 0)
	if !strings.Contains(log.String(), `"health.check":"redis","exception.message":"the cause"`) {
		t.Errorf("the log lacks the cause\n%s", log)
	}
	away.Store(false)
	expect(1, 1)
	away.Store(true)
	expect(2, 1)
}

func TestHealth_EveryCauseOfNotReadyIsLogged(t *testing.T) {
	t.Parallel()
	probe := func(words string) func(context.Context) error {
		return func(context.Context) error { return errors.New(words) }
	}
	err := notReady(healthHandlers{watch: newCheckWatch(slog.New(slog.DiscardHandler)), checks: []Check{
		{Name: "database", Required: true, Probe: probe("refused")},
		{Name: "keys", Required: true, Probe: probe("too old")},
		{Name: "redis", Probe: probe("away")},
	}}.run(t.Context(), false))
	for _, want := range []string{"database: refused", "keys: too old"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q: %v", want, err)
		}
	}
	var refusal *fault.Error
	if !errors.As(err, &refusal) || len(refusal.Fields) != 2 || strings.Contains(refusal.Message, "refused") {
		t.Errorf("the client hears %+v, expected the two names and no cause", refusal)
	}
}

func TestHealth_AskerHangsUp(t *testing.T) {
	t.Parallel()
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	results := healthHandlers{watch: newCheckWatch(slog.New(slog.DiscardHandler)), checks: []Check{
		{Name: "database", Required: true, Probe: func(ctx context.Context) error { return ctx.Err() }},
	}}.run(gone, false)
	if results[0].err != nil {
		t.Errorf("the check failed with %v because its asker had gone", results[0].err)
	}
}
