package principal

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/pgbouncer"
	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

type ear struct {
	*Cache
	listener  *Listener
	wire      *netfault.Wire
	listening atomic.Bool
	changes   chan uuid.UUID
	db        *pgx.Conn
}

func newEar(t *testing.T) *ear {
	t.Helper()
	url := pgtest.New(t)
	db, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close(context.Background()) })
	e := &ear{Cache: NewCache(CacheOptions{}), changes: make(chan uuid.UUID, 100), db: db}
	e.wire, url = netfault.URL(t, url)
	e.listener = NewListener(ListenerOptions{
		URL: url, Cache: e.Cache, OnState: e.listening.Store, OnChange: func(id uuid.UUID) { e.changes <- id },
		Logger: slog.New(slog.DiscardHandler),
	})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.listener.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run ended with %v", err)
		}
	})
	<-e.listener.Tried()
	waitUntil(t, "it listens", e.listening.Load)
	return e
}

func (e *ear) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := e.db.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func (e *ear) row(t *testing.T) (id uuid.UUID) {
	t.Helper()
	err := e.db.QueryRow(t.Context(), `INSERT INTO auth.users (email, password_hash)
		VALUES (gen_random_uuid() || '@example.com', 'x') RETURNING id`).Scan(&id)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (e *ear) keep(id uuid.UUID) {
	e.keepFacts(e.beginFill(time.Now()), token.KindFirebase, user.User{ID: id})
}

func (e *ear) has(id uuid.UUID) bool {
	return e.facts(atFirebase(id), time.Now()) != nil
}

func TestListener_ForgetsWhomOthersChange_T5(t *testing.T) {
	t.Parallel()
	e := newEar(t)
	changed, other := e.row(t), e.row(t)
	e.keep(changed)
	e.keep(other)
	before := e.beginFill(time.Now())
	e.exec(t, "UPDATE auth.users SET is_active = false WHERE id = $1", changed)
	waitUntil(t, "T5: forgotten", func() bool { return !e.has(changed) })
	if got := <-e.changes; got != changed {
		t.Errorf("%s was handed on, expected %s", got, changed)
	}
	if !e.has(other) {
		t.Error("a stranger was forgotten")
	}
	if e.keepFacts(before, token.KindFirebase, user.User{ID: changed}) {
		t.Error("T5: a reading from before the change was kept after it")
	}
	e.exec(t, "SELECT pg_notify('auth_users_changed', 'everybody')")
	waitUntil(t, "T5: everybody forgotten", func() bool { return !e.has(other) })
}

func TestListener_ListeningAgainForgetsEverybody_T5(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(t *testing.T, e *ear){
		"cut":     func(_ *testing.T, e *ear) { e.wire.Cut() },
		"hanging": func(_ *testing.T, e *ear) { e.wire.Hang() },
		"killed": func(t *testing.T, e *ear) {
			e.exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE application_name = 'authd listener' AND datname = current_database()`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEar(t)
			id := e.row(t)
			generation := e.generation()
			lose(t, e)
			if name != "killed" {
				waitUntil(t, "it notices", func() bool { return !e.listening.Load() })
			}
			e.keep(id)
			e.exec(t, "UPDATE auth.users SET is_active = false WHERE id = $1", id)
			e.wire.Restore()
			waitUntil(t, "T5: forgotten after it was "+name, func() bool { return !e.has(id) })
			waitUntil(t, "it listens again", func() bool { return e.listening.Load() && e.generation() > generation })
		})
	}
}

func TestListener_IsNotTakenInByAPooler_D6(t *testing.T) {
	t.Parallel()
	pooler := pgbouncer.New(t, pgtest.New(t), nil)
	listener := NewListener(ListenerOptions{URL: pooler.URL(), Cache: NewCache(CacheOptions{}), Logger: slog.New(slog.DiscardHandler)})
	if conn, err := listener.subscribe(t.Context()); err == nil || conn != nil {
		t.Errorf("D6: it listens to a pooler (%v)", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- listener.Run(ctx) }()
	<-listener.Tried()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run ended with %v", err)
	}
}
