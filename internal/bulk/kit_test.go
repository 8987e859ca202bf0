package bulk_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/crypto/bcrypt"

	"auth-v2-service/internal/bulk"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/intent"
	"auth-v2-service/internal/move"
	"auth-v2-service/internal/operator"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/testkit/rsakeys"
	"auth-v2-service/internal/user"
)

const password = "correct horse battery"

var somebody = operator.Operator{Actor: "cli:test"}

type stage struct {
	*testing.T
	pool     *pgxpool.Pool
	provider *identity.Provider
	client   *firebase.Client
	hash     string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{T: t}
	var err error
	if s.pool, err = pg.Open(t.Context(), pg.Options{URL: pgtest.New(t), MaxConns: 20}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pool.Close)
	if s.provider, err = identity.New(identity.Options{ProjectID: "demo-test", ScryptMemoryCost: 4, NewKey: rsakeys.Source()}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.provider.Handler())
	t.Cleanup(func() { _ = s.provider.Close(); server.Close() })
	if s.client, err = firebase.New(t.Context(), firebase.Options{
		ProjectID: "demo-test", EmulatorHost: server.Listener.Addr().String(), Timeout: time.Second,
	}); err != nil {
		t.Fatal(err)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	s.hash = string(hash)
	s.exec("UPDATE auth.rollout SET traffic_buckets = 10000")
	return s
}

func (s *stage) service(change ...func(*bulk.Options)) *bulk.Service {
	o := bulk.Options{
		Pool: s.pool, Canaries: s.client, Target: bulk.Target{Project: "demo-test"}, MovesAllowed: true,
		Patience: 200 * time.Millisecond, Backoff: 10 * time.Millisecond, SlowestPace: 20,
		Mover: move.New(move.Options{
			Pool: s.pool, Identities: s.client, Policy: move.Policy{Allowed: true, Verified: user.PlatformVerified{Trust: true}},
			Intents: intent.NewLog(s.pool, func(context.Context, pgx.Tx, intent.Intent) error { return nil }), Lapse: 3 * time.Second,
		}),
	}
	for _, f := range change {
		f(&o)
	}
	return bulk.New(o)
}

func (s *stage) locals(n int) []uuid.UUID {
	s.Helper()
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i] = uuid.New()
		s.exec("INSERT INTO auth.users (id, email, password_hash, auth_provider) VALUES ($1, $2, $3, 'local')",
			ids[i], fmt.Sprintf("%s@example.com", ids[i]), s.hash)
	}
	return ids
}

func (s *stage) exec(statement string, arguments ...any) {
	s.Helper()
	if _, err := s.pool.Exec(context.WithoutCancel(s.Context()), statement, arguments...); err != nil {
		s.Fatal(err)
	}
}

func (s *stage) count(query string, arguments ...any) (n int) {
	s.Helper()
	if err := s.pool.QueryRow(s.Context(), query, arguments...).Scan(&n); err != nil {
		s.Fatal(err)
	}
	return n
}

func (s *stage) start(b *bulk.Service, plan bulk.Plan) bulk.Run {
	s.Helper()
	run, err := b.Start(s.Context(), plan, somebody, uuid.Nil)
	if err != nil {
		s.Fatal(err)
	}
	return run
}

func (s *stage) carry(b *bulk.Service, id uuid.UUID) bulk.Run {
	s.Helper()
	if err := b.Carry(s.Context(), id, uuid.New(), nil); err != nil {
		s.Fatal(err)
	}
	run, err := b.Read(s.Context(), id)
	if err != nil {
		s.Fatal(err)
	}
	return run
}

// mustBeMoved expects each user once, an opening password and no canary.
func (s *stage) mustBeMoved(ids []uuid.UUID) {
	s.Helper()
	if n := s.count("SELECT count(*) FROM auth.users WHERE id = ANY($1) AND auth_provider = 'hybrid' AND firebase_uid = id::text", ids); n != len(ids) {
		s.Errorf("%d of %d users have moved", n, len(ids))
	}
	if n := s.count("SELECT count(DISTINCT user_id) FROM auth.audit_events WHERE action = 'user.moved' AND user_id = ANY($1)", ids); n != len(ids) {
		s.Errorf("%d of %d moves are recorded", n, len(ids))
	}
	if n := s.count("SELECT count(*) FROM auth.audit_events WHERE action = 'user.moved' AND user_id = ANY($1)", ids); n != len(ids) {
		s.Errorf("%d moves of %d users are recorded", n, len(ids))
	}
	for _, id := range ids {
		if _, err := s.client.SignIn(s.Context(), id.String()+"@example.com", password); err != nil {
			s.Errorf("user %s: %v", id, err)
		}
	}
	if n := len(s.provider.Users()); n != len(ids) {
		s.Errorf("%d accounts of %d users", n, len(ids))
	}
}
