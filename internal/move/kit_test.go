package move_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/crypto/bcrypt"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/intent"
	"auth-v2-service/internal/move"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/testkit/rsakeys"
	"auth-v2-service/internal/user"
)

const (
	apiKey   = "the-key"
	password = "correct horse battery"
)

var trusted = move.Policy{Allowed: true, Verified: user.PlatformVerified{Trust: true}}

type stage struct {
	*testing.T
	pool     *pgxpool.Pool
	provider *identity.Provider
	client   *firebase.Client
	ahead    time.Duration // of Firebase's clock

	mu       sync.Mutex
	asked    map[string]int
	outcomes map[string]int
	changed  []uuid.UUID
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{T: t, asked: map[string]int{}, outcomes: map[string]int{}}
	var err error
	if s.pool, err = pg.Open(t.Context(), pg.Options{URL: pgtest.New(t), MaxConns: 20}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pool.Close)
	if s.provider, err = identity.New(identity.Options{
		ProjectID: "demo-test", APIKey: apiKey, ScryptMemoryCost: 4, NewKey: rsakeys.Source(),
		Clock: func() time.Time { return time.Now().Add(s.ahead) },
	}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(func() {
		_ = s.provider.Close() // first: it ends hanging requests
		server.Close()
	})
	s.client, err = firebase.New(t.Context(), firebase.Options{
		ProjectID: "demo-test", APIKey: apiKey, EmulatorHost: server.Listener.Addr().String(), Timeout: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stage) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked[r.URL.Path[strings.LastIndex(r.URL.Path, ":")+1:]]++
	s.mu.Unlock()
	s.provider.Handler().ServeHTTP(w, r)
}

func (s *stage) requests(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[operation]
}

func (s *stage) outcome(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.outcomes[name]
}

func (s *stage) mover(change ...func(*move.Options)) *move.Mover {
	o := move.Options{
		Pool: s.pool, Identities: s.client, Policy: trusted, Intents: intent.NewLog(s.pool, noJob),
		OnMove:   func(outcome string) { s.mu.Lock(); s.outcomes[outcome]++; s.mu.Unlock() },
		OnChange: func(_ context.Context, id uuid.UUID) { s.mu.Lock(); s.changed = append(s.changed, id); s.mu.Unlock() },
	}
	for _, f := range change {
		f(&o)
	}
	return move.New(o)
}

func noJob(context.Context, pgx.Tx, intent.Intent) error { return nil }

func with(identities move.Identities) func(*move.Options) {
	return func(o *move.Options) { o.Identities = identities }
}

func under(policy move.Policy) func(*move.Options) {
	return func(o *move.Options) { o.Policy = policy }
}

type local struct {
	email, password, hash, userType string
}

func (s *stage) local(l local) uuid.UUID {
	s.Helper()
	id := uuid.New()
	if l.email == "" {
		l.email = id.String()[:8] + "@example.com"
	}
	if l.userType == "" {
		l.userType = "user"
	}
	if l.hash == "" {
		l.hash = hashOf(s, l.password)
	}
	s.exec(`INSERT INTO auth.users (id, email, username, password_hash, auth_provider, user_type, token_balance, created_at, last_login)
		VALUES ($1, $2, $3, $4, 'local', $5, 7, '2024-03-01 10:00:00', '2025-06-01 12:00:00')`,
		id, l.email, "name "+id.String()[:8], l.hash, l.userType)
	return id
}

var plainHash = sync.OnceValue(func() string {
	hash, _ := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	return string(hash)
})

// bcrypt ignores what exceeds 72 bytes.
func hashOf(t testing.TB, typed string) string {
	t.Helper()
	if typed == "" {
		return plainHash()
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(typed)[:min(len(typed), 72)], bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

func (s *stage) exec(statement string, arguments ...any) {
	s.Helper()
	if _, err := s.pool.Exec(context.WithoutCancel(s.Context()), statement, arguments...); err != nil {
		s.Fatal(err)
	}
}

type state struct {
	provider, status, uid, email, claimedBy, failure string
	claimed                                          bool
}

func (s *stage) state(id uuid.UUID) state {
	s.Helper()
	var now state
	err := s.pool.QueryRow(s.Context(), `SELECT coalesce(auth_provider, 'local'), coalesce(federation_status, 'active'),
			coalesce(firebase_uid, ''), email, coalesce(claimed_by, ''), coalesce(failure, ''), user_id IS NOT NULL
		FROM auth.users LEFT JOIN auth.move_claims ON user_id = id WHERE id = $1`, id).
		Scan(&now.provider, &now.status, &now.uid, &now.email, &now.claimedBy, &now.failure, &now.claimed)
	if err != nil {
		s.Fatal(err)
	}
	return now
}

func (s *stage) count(query string, arguments ...any) (n int) {
	s.Helper()
	if err := s.pool.QueryRow(s.Context(), query, arguments...).Scan(&n); err != nil {
		s.Fatal(err)
	}
	return n
}

func (s *stage) mustBeMoved(id uuid.UUID, uid, typed string) {
	s.Helper()
	now := s.state(id)
	if now.provider != "hybrid" || now.status != "active" || now.uid != uid || now.claimed {
		s.Errorf("user %s is %+v, and should have moved to %s", id, now, uid)
	}
	if typed == "" {
		return
	}
	session, err := s.client.SignIn(s.Context(), now.email, typed)
	if err != nil || session.UID != uid {
		s.Errorf("the password opens %q, %v and not %s", session.UID, err, uid)
	}
	if n := s.count("SELECT count(*) FROM auth.audit_events WHERE action = 'user.moved' AND user_id = $1", id); n != 1 {
		s.Errorf("the move of %s is recorded %d times", id, n)
	}
}

func (s *stage) mustBeLocal(id uuid.UUID, failure string) {
	s.Helper()
	now := s.state(id)
	if now.provider != "local" || now.status != "active" || now.uid != "" || now.failure != failure || now.claimed != (failure != "") {
		s.Errorf("user %s is %+v, and should be local, failure %q", id, now, failure)
	}
}

func (s *stage) lapse(id uuid.UUID) {
	s.Helper()
	s.exec("UPDATE auth.move_claims SET claimed_at = claimed_at - interval '61 seconds', failed_at = failed_at - interval '61 minutes' WHERE user_id = $1", id)
}

func (s *stage) accounts() int { return len(s.provider.Users()) }
