package servicetest

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/crypto/bcrypt"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/app"
	"auth-v2-service/internal/config"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/httpapi"
	"auth-v2-service/internal/telemetry"
	"auth-v2-service/internal/testkit/pgbouncer"
	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/testkit/redistest"
	"auth-v2-service/internal/testkit/rsakeys"
)

// ProjectID is every test's project.
const ProjectID = "demo-test"

// Password satisfies every rule.
const Password = "TestPassword123"

// Stack is what instances share.
type Stack struct {
	DatabaseURL string // as the serving role
	ServingURL  string // unpooled (D6)
	DirectURL   string // as the owner
	RedisURL    string
	IdentityURL string
	CertsURL    string
	Identity    *identity.Provider
	DB          *pgxpool.Pool
	Pooler      *pgbouncer.Pooler
	// MachineAhead is the lead of later instances' clocks.
	MachineAhead time.Duration
}

// NewStack starts a stack.
func NewStack(t testing.TB) *Stack {
	t.Helper()
	return NewStackAt(t, 0)
}

// NewStackAt shifts Firebase's clock.
func NewStackAt(t testing.TB, firebaseAhead time.Duration) *Stack {
	t.Helper()
	s := &Stack{RedisURL: redistest.New(t)}
	s.Identity, s.IdentityURL = startIdentity(t, firebaseAhead)
	s.CertsURL = s.IdentityURL + identity.CertificatePath
	return s.Over(t, pgtest.New(t))
}

// Over returns the stack over another database.
func (s *Stack) Over(t testing.TB, databaseURL string) *Stack {
	t.Helper()
	other := *s
	other.DirectURL, other.ServingURL, other.Pooler = databaseURL, pgtest.Serving(t, databaseURL), nil
	other.DatabaseURL = other.ServingURL
	pool, err := pgxpool.New(t.Context(), databaseURL)
	if err != nil {
		t.Fatalf("connect to the test's database: %v", err)
	}
	t.Cleanup(pool.Close)
	other.DB = pool
	other.pooledWhereAsked(t)
	return &other
}

func startIdentity(t testing.TB, ahead time.Duration) (*identity.Provider, string) {
	t.Helper()
	provider, err := identity.New(identity.Options{
		ProjectID: ProjectID, ScryptMemoryCost: 4, NewKey: rsakeys.Source(),
		Clock: func() time.Time { return time.Now().Add(ahead) },
	})
	if err != nil {
		t.Fatalf("make the identity provider: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen for the identity provider: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- provider.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the identity provider ended with: %v", err)
		}
	})
	return provider, "http://" + listener.Addr().String()
}

// Environment returns an instance's configuration.
func (s *Stack) Environment() map[string]string {
	environment := map[string]string{
		"AUTH_ENV": "development", "LISTEN_HOST": "127.0.0.1", "PORT": "0", "METRICS_PORT": "0",
		"DATABASE_URL": s.DatabaseURL, "DATABASE_OWNER_URL": s.DirectURL, "REDIS_URL": s.RedisURL, "DB_POOL_MAX": "10",
		"FIREBASE_PROJECT_ID": ProjectID, "FIREBASE_API_KEY": "test-key",
		"FIREBASE_AUTH_EMULATOR_HOST": s.IdentityURL[len("http://"):], "FIREBASE_CERTS_URL": s.CertsURL,
		"JWT_ACCESS_SECRET": "access-secret-of-a-test-32-bytes!", "JWT_REFRESH_SECRET": "refresh-secret-of-a-test-32-bytes",
		"RATE_LIMIT": "off", "LOGIN_FAILURE_MS": "50", "SHUTDOWN_DRAIN": "0s", "MIGRATE_ON_START": "check",
		"RECONCILE_EVERY": "0",
	}
	if s.Pooler != nil {
		environment["DATABASE_DIRECT_URL"] = s.ServingURL
	}
	return environment
}

// Service is an instance.
type Service struct {
	*Stack
	URL        string
	MetricsURL string
	API        *client.ClientWithResponses
	// HTTP checks answers, as API does.
	HTTP    *http.Client
	Queries *Queries
	Log     *Log

	stop  context.CancelFunc
	ended chan error
}

// Start runs an instance on its own stack. env overrides variables.
func Start(t testing.TB, env ...map[string]string) *Service {
	t.Helper()
	return NewStack(t).Start(t, env...)
}

const startLimit = 90 * time.Second

// Start runs another instance.
func (s *Stack) Start(t testing.TB, env ...map[string]string) *Service {
	t.Helper()
	environment := s.Environment()
	for _, changes := range env {
		maps.Copy(environment, changes)
	}
	c, err := config.Load(environment)
	if err != nil {
		t.Fatalf("configure the service: %v", err)
	}
	secrets, err := httpapi.SecretFields()
	if err != nil {
		t.Fatal(err)
	}
	ahead := s.MachineAhead
	service := &Service{Stack: s, Queries: &Queries{}, Log: &Log{}, ended: make(chan error, 1)}
	ctx, stop := context.WithCancel(context.Background())
	service.stop = stop
	addresses := make(chan [2]net.Addr, 1)
	go func() {
		service.ended <- app.Run(ctx, c, app.Options{
			Logger:      telemetry.NewLogger(service.Log, slog.LevelDebug, secrets),
			Version:     "test",
			Listening:   func(api, metrics net.Addr) { addresses <- [2]net.Addr{api, metrics} },
			QueryTracer: service.Queries, PasswordCost: bcrypt.MinCost, LimitPatience: time.Second,
			Clock: func() time.Time { return time.Now().Add(ahead) },
		})
	}()
	select {
	case found := <-addresses:
		service.URL, service.MetricsURL = "http://"+found[0].String(), "http://"+found[1].String()+"/metrics"
	case err := <-service.ended:
		t.Fatalf("the service did not start: %v\n%s", err, service.Log)
	case <-time.After(startLimit):
		t.Fatalf("the service did not start within %s\n%s", startLimit, service.Log)
	}
	t.Cleanup(func() { service.Stop(t) })
	service.HTTP = &http.Client{Transport: newValidating(t), Timeout: 15 * time.Second}
	if service.API, err = client.NewClientWithResponses(service.URL, client.WithHTTPClient(service.HTTP)); err != nil {
		t.Fatal(err)
	}
	return service
}

// Stop ends the instance. A second call does nothing.
func (s *Service) Stop(t testing.TB) {
	t.Helper()
	if s.stop == nil {
		return
	}
	s.stop()
	s.stop = nil
	if err := <-s.ended; err != nil {
		t.Errorf("the service ended with: %v\n%s", err, s.Log)
	}
}

// Bearer adds a token to a request.
func Bearer(token string) client.RequestEditorFn {
	return func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	}
}

// Log keeps an instance's log.
type Log struct {
	sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(line []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.text.Write(line)
}

// String returns the log so far.
func (l *Log) String() string {
	l.Lock()
	defer l.Unlock()
	return l.text.String()
}
