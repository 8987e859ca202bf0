package fbsync_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/clock"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/fbsync"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/intent"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/testkit/rsakeys"
)

const project = "demo-test"

type stage struct {
	*testing.T
	pool     *pgxpool.Pool
	url      string
	provider *identity.Provider
	client   *firebase.Client
	outbox   *fbsync.Outbox
	settle   func(ctx context.Context, i intent.Intent) (bool, error)
	clocks   *clock.Clocks
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{T: t, url: pgtest.New(t)}
	s.pool = s.openPool(20)
	var err error
	if s.provider, err = identity.New(identity.Options{ProjectID: project, APIKey: "the-key", ScryptMemoryCost: 4, NewKey: rsakeys.Source()}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.provider.Handler())
	t.Cleanup(func() {
		_ = s.provider.Close() // first: it releases hanging requests
		server.Close()
	})
	s.client, err = firebase.New(t.Context(), firebase.Options{
		ProjectID: project, APIKey: "the-key", EmulatorHost: server.Listener.Addr().String(), Timeout: 500 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.outbox, err = fbsync.NewOutbox(s.pool); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stage) openPool(most int32) *pgxpool.Pool {
	s.Helper()
	pool, err := pg.Open(s.Context(), pg.Options{URL: s.url, MaxConns: most, ConnectTimeout: 10 * time.Second})
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(pool.Close)
	return pool
}

func (s *stage) work(accounts fbsync.Accounts) (stop func()) {
	s.Helper()
	pool := s.openPool(6)
	service, err := fbsync.New(fbsync.Options{
		Pool: pool, Accounts: accounts, Project: fbsync.Project{ID: project}, Intents: intent.NewLog(pool, s.outbox.EnqueueIntent), Settle: s.settle,
		Logger: slog.New(slog.DiscardHandler), Clocks: s.clocks,
	})
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.Context()))
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx) }()
	var stopped atomic.Bool
	stop = func() {
		if !stopped.Swap(true) {
			cancel()
			if err := <-ended; err != nil {
				s.Errorf("the instance ended with %v", err)
			}
		}
	}
	s.Cleanup(stop)
	return stop
}

var people atomic.Int64

type person struct {
	id  uuid.UUID
	uid string
}

func (s *stage) person() person {
	s.Helper()
	n := people.Add(1)
	p := person{id: uuid.New(), uid: fmt.Sprintf("uid-of-the-person-number-%d", n)}
	email := fmt.Sprintf("person%d@example.com", n)
	s.exec(`INSERT INTO auth.users (id, firebase_uid, auth_provider, email, username, created_at, updated_at)
		VALUES ($1, $2, 'firebase', $3, $4, now(), now())`, p.id, p.uid, email, fmt.Sprintf("person %d", n))
	if _, err := s.provider.PutUser(identity.User{UID: p.uid, Email: email, EmailVerified: true}); err != nil {
		s.Fatal(err)
	}
	return p
}

func (s *stage) exec(sql string, args ...any) {
	s.Helper()
	if _, err := s.pool.Exec(s.Context(), sql, args...); err != nil {
		s.Fatalf("%s: %v", sql, err)
	}
}

func ask[T any](s *stage, sql string, args ...any) T {
	s.Helper()
	rows, err := s.pool.Query(s.Context(), sql, args...)
	if err != nil {
		s.Fatalf("%s: %v", sql, err)
	}
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if err != nil {
		s.Fatalf("%s: %v", sql, err)
	}
	return found
}

// The statements of internal/user that Firebase follows.
const (
	deactivate = `UPDATE auth.users SET is_active = false, updated_at = clock_timestamp(),
		tokens_valid_after = greatest(tokens_valid_after, date_trunc('second', clock_timestamp()) + interval '1 second') WHERE id = $1`
	reactivate = `UPDATE auth.users SET is_active = true, updated_at = clock_timestamp(),
		provider_data = coalesce(provider_data, '{}') || '{"enabling": true}' WHERE id = $1`
	revoke = `UPDATE auth.users SET updated_at = clock_timestamp(),
		tokens_valid_after = greatest(tokens_valid_after, date_trunc('second', clock_timestamp()) + interval '1 second') WHERE id = $1`
)

// change calls before just before the commit.
func (s *stage) change(act string, p person, before ...func()) {
	s.Helper()
	err := pg.InTx(s.Context(), s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(s.Context(), act, p.id); err != nil {
			return err
		}
		if err := s.outbox.Enqueue(s.Context(), tx, p.id); err != nil {
			return err
		}
		for _, f := range before {
			f()
		}
		return nil
	})
	if err != nil {
		s.Errorf("%s: %v", act, err)
	}
}

const unfinished = `SELECT count(*) FROM auth.river_job WHERE kind = 'firebase_state' AND state <> 'completed'`

func (s *stage) awaitPaid(within time.Duration) {
	s.Helper()
	await(s, within, "everything owed is done", func() bool { return ask[int64](s, unfinished) == 0 })
}

func await(s *stage, within time.Duration, what string, condition func() bool) {
	s.Helper()
	limit := time.NewTimer(within)
	defer limit.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-limit.C:
			s.Fatalf("%s: not within %s\n%s", what, within, ask[string](s, `SELECT coalesce(string_agg(DISTINCT
				concat_ws(' ', state, attempt, scheduled_at - now(), metadata, errors[cardinality(errors)]), E'\n'), '')
				FROM auth.river_job WHERE state <> 'completed'`))
		case <-tick.C:
		}
	}
}

func (s *stage) expectEqual(p person) {
	s.Helper()
	account, found := s.provider.User(p.uid)
	if !found {
		s.Errorf("%s is gone at Firebase", p.uid)
		return
	}
	active := ask[bool](s, `SELECT coalesce(is_active, true) FROM auth.users WHERE id = $1`, p.id)
	if account.Disabled == active {
		s.Errorf("S3: is_active is %t here, and at Firebase disabled is %t", active, account.Disabled)
	}
	from := ask[*time.Time](s, `SELECT tokens_valid_after FROM auth.users WHERE id = $1`, p.id)
	if from != nil && !account.ValidSince.Equal(*from) {
		s.Errorf("S3: tokens_valid_after is %s here, and validSince at Firebase is %s", from, account.ValidSince)
	}
	if ask[bool](s, `SELECT coalesce(provider_data ? 'enabling', false) FROM auth.users WHERE id = $1`, p.id) {
		s.Error("a reactivation that is done is still asked for")
	}
}
