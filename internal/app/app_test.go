package app_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"auth-v2-service/internal/app"
	"auth-v2-service/internal/config"
	"auth-v2-service/internal/httpapi"
	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/testkit/servicetest"
)

func TestTimeouts_EachBelowTheNext(t *testing.T) {
	t.Parallel()
	c := configured(t, servicetest.NewStack(t), map[string]string{"SHUTDOWN_TIMEOUT": "20s"})
	handlerTimeout, err := httpapi.HandlerTimeout()
	if err != nil {
		t.Fatal(err)
	}
	limits := []struct {
		name string
		d    time.Duration
	}{
		{"read", app.ReadTimeout},
		{"handle", handlerTimeout},
		{"write", app.WriteTimeout},
		{"shut down", c.ShutdownTimeout},
		{"idle", app.IdleTimeout},
	}
	for i := 1; i < len(limits); i++ {
		if limits[i-1].d >= limits[i].d {
			t.Errorf("the limit to %s is %s, expected less than %s to %s", limits[i-1].name, limits[i-1].d, limits[i].d, limits[i].name)
		}
	}
	if app.ReadTimeout+handlerTimeout >= app.WriteTimeout {
		t.Error("a request that was read slowly and handled slowly cannot be answered any more")
	}
}

func configured(t *testing.T, stack *servicetest.Stack, changes map[string]string) config.Config {
	t.Helper()
	environment := stack.Environment()
	maps.Copy(environment, changes)
	c, err := config.Load(environment)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type running struct {
	stop      context.CancelFunc
	ended     chan error
	listening chan net.Addr
	log       *lines
}

type lines struct {
	sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) { l.Lock(); defer l.Unlock(); return l.text.Write(p) }

func (l *lines) contain(words string) bool {
	l.Lock()
	defer l.Unlock()
	return strings.Contains(l.text.String(), words)
}

func run(t *testing.T, c config.Config) running {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	r := running{stop: stop, ended: make(chan error, 1), listening: make(chan net.Addr, 1), log: &lines{}}
	go func() {
		r.ended <- app.Run(ctx, c, app.Options{
			Logger: slog.New(slog.NewTextHandler(r.log, nil)), Version: "test",
			Listening: func(api, _ net.Addr) { r.listening <- api },
		})
	}()
	t.Cleanup(stop)
	return r
}

func receive[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(30 * time.Second):
		t.Fatalf("%s: not within 30 s", what)
		panic("unreachable")
	}
}

func TestRun_WaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	wire, through := netfault.URL(t, pgtest.Empty(t))
	wire.Cut()
	r := run(t, configured(t, stack, map[string]string{"DATABASE_URL": through, "DATABASE_OWNER_URL": "", "MIGRATE_ON_START": "on"}))
	await(t, "it says that it waits", func() bool { return r.log.contain("waiting for the database") })
	wire.Restore()
	address := receive(t, "serving", r.listening)
	response, err := http.Get("http://" + address.String() + "/health/ready")
	if err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("ready answered %v (%v), expected 200: the migrations are applied", response, err)
	}
	_ = response.Body.Close()
	r.stop()
	if err := receive(t, "the end", r.ended); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestRun_EndsWhileItWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	wire, through := netfault.URL(t, stack.DatabaseURL)
	wire.Cut()
	r := run(t, configured(t, stack, map[string]string{"DATABASE_URL": through}))
	await(t, "it says that it waits", func() bool { return r.log.contain("waiting for the database") })
	r.stop()
	if err := receive(t, "the end", r.ended); err == nil {
		t.Error("it reported success without ever having served")
	}
}

func TestRun_CheckRefusesAnUnmigratedDatabase_D1(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	r := run(t, configured(t, stack, map[string]string{"DATABASE_URL": pgtest.Empty(t), "MIGRATE_ON_START": "check"}))
	if err := receive(t, "the end", r.ended); err == nil || !strings.Contains(err.Error(), "migrations are pending; run `authd schema migrate`") {
		t.Errorf("D1: it ended with %v, expected a refusal about migrations", err)
	}
}

func TestRun_MayNotMigrateAsTheRoleThatServes_D1(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	serving := pgtest.Serving(t, pgtest.Empty(t))
	r := run(t, configured(t, stack, map[string]string{"DATABASE_URL": serving, "DATABASE_OWNER_URL": "", "MIGRATE_ON_START": "on"}))
	if err := receive(t, "the end", r.ended); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("D1: it ended with %v, expected that it may not migrate", err)
	}
}

func TestRun_PortsThatAreTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	stack := servicetest.NewStack(t)
	for _, variable := range []string{"PORT", "METRICS_PORT"} {
		r := run(t, configured(t, stack, map[string]string{variable: port}))
		if err := receive(t, "the end", r.ended); !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), port) {
			t.Errorf("%s: it ended with %v, expected the port named", variable, err)
		}
	}
}

func TestRun_RefusesKeysOverPlainHTTP(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	r := run(t, configured(t, stack, map[string]string{"FIREBASE_CERTS_URL": "http://keys.example.com/certs"}))
	if err := receive(t, "the end", r.ended); err == nil || !strings.Contains(err.Error(), "http") {
		t.Errorf("it ended with %v, expected a refusal of plain HTTP", err)
	}
}

func TestServe_SlowRequestsAreCut(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(3 * app.ReadTimeout)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("the connection is open after %s: %v", time.Since(began), err)
	}
	if took := time.Since(began); took > 2*app.ReadTimeout {
		t.Errorf("it was cut after %s, expected %s", took, app.ReadTimeout)
	}
	if text := string(answer); text != "" && !strings.Contains(text, `"code":"invalid_request"`) {
		t.Errorf("the slow client was answered %q, expected the envelope or nothing", text)
	}
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-limit.C:
			t.Fatalf("%s: not within 20 s", what)
		case <-tick.C:
		}
	}
}
