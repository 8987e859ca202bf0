package user

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/batch"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/testkit/pgtest"
	"auth-v2-service/internal/token"
)

// BATCH_ROUNDS=100 runs a hundred rounds.
func rounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("BATCH_ROUNDS")
	if text == "" {
		return 3
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("BATCH_ROUNDS: %v", err)
	}
	return n
}

type atFirebase struct {
	lock  sync.Mutex
	email map[string]string
}

func (v *atFirebase) User(_ context.Context, uid string) (firebase.User, error) {
	v.lock.Lock()
	defer v.lock.Unlock()
	email, ok := v.email[uid]
	if !ok {
		return firebase.User{}, firebase.ErrUserNotFound
	}
	return firebase.User{UID: uid, Email: email}, nil
}

func (v *atFirebase) SetEmail(context.Context, string, string) error { return firebase.ErrUserNotFound }

func (v *atFirebase) has(uid, email string) {
	v.lock.Lock()
	defer v.lock.Unlock()
	v.email[uid] = email
}

type statements struct {
	lock  sync.Mutex
	ran   map[string]int
	codes map[string]int
}

var statementName = regexp.MustCompile(`^-- name: (\w+)`)

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if match := statementName.FindStringSubmatch(data.SQL); match != nil {
		s.lock.Lock()
		defer s.lock.Unlock()
		s.ran[match[1]]++
	}
	return ctx
}

func (s *statements) TraceQueryEnd(_ context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	var refused *pgconn.PgError
	if errors.As(data.Err, &refused) {
		s.lock.Lock()
		defer s.lock.Unlock()
		s.codes[refused.Code]++
	}
}

func (s *statements) has(name string) bool {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.ran[name] > 0
}

func (s *statements) since() (ran, codes map[string]int) {
	s.lock.Lock()
	defer s.lock.Unlock()
	ran, codes = maps.Clone(s.ran), maps.Clone(s.codes)
	clear(s.ran)
	clear(s.codes)
	return ran, codes
}

type scene struct {
	t          testing.TB
	db         *pgxpool.Pool
	stores     []*Store
	firebase   *atFirebase
	statements *statements
	sights     sync.Map
	newcomers  bool
}

// holdMakers occupies three connections of each instance besides the first request's.
func newScene(t testing.TB, instances int, connections int32) *scene {
	t.Helper()
	url := pgtest.New(t)
	p := &scene{
		t: t, firebase: &atFirebase{email: map[string]string{}},
		statements: &statements{ran: map[string]int{}, codes: map[string]int{}},
	}
	p.db = p.open(pg.Options{URL: url})
	for range instances {
		pool := p.open(pg.Options{URL: pgtest.Serving(t, url), MaxConns: connections, Tracer: p.statements})
		s := NewStore(Options{
			Pool: pool, Accounts: p.firebase, OnChange: func(context.Context, uuid.UUID) {}, OnSight: p.seen,
			EnqueueSync: func(context.Context, pgx.Tx, uuid.UUID) error { return nil },
			Link:        LinkPolicy{Providers: []string{"google.com"}, PlatformVerified: PlatformVerified{Trust: true}},
			Logger:      slog.New(slog.DiscardHandler),
		})
		s.batches = batchers{
			findOrCreate: patient(batchOptions(s.findMany, s.findOrCreateOne, pg.BadValues)),
			create:       patient(batchOptions(s.createMany, s.createOne, isolateMembers)),
			find:         patient(batchOptions(s.findMany, one(s.findMany), pg.BadValues)),
			rows:         patient(batchOptions(s.readMany, one(s.readMany), pg.BadValues)),
			legacyRows:   patient(batchOptions(s.readLegacyMany, one(s.readLegacyMany), pg.BadValues)),
		}
		p.stores = append(p.stores, s)
	}
	return p
}

func patient[Q, A any](o batch.Options[Q, A]) *batch.Batcher[Q, A] {
	o.Timeout = 2 * time.Minute
	return batch.New(o)
}

func (p *scene) open(o pg.Options) *pgxpool.Pool {
	p.t.Helper()
	pool, err := pg.Open(p.t.Context(), o)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(pool.Close)
	return pool
}

func (p *scene) seen(s Sight) {
	n, _ := p.sights.LoadOrStore(s, new(atomic.Int64))
	n.(*atomic.Int64).Add(1)
}

func (p *scene) count(s Sight) int {
	n, ok := p.sights.Load(s)
	if !ok {
		return 0
	}
	return int(n.(*atomic.Int64).Load())
}

func (p *scene) exec(sql string, arguments ...any) {
	p.t.Helper()
	if _, err := p.db.Exec(p.t.Context(), sql, arguments...); err != nil {
		p.t.Fatalf("%s: %v", sql, err)
	}
}

func (p *scene) number(from string, arguments ...any) int {
	p.t.Helper()
	var n int
	if err := p.db.QueryRow(p.t.Context(), "SELECT count(*) FROM "+from, arguments...).Scan(&n); err != nil {
		p.t.Fatalf("count %s: %v", from, err)
	}
	return n
}

func (p *scene) hold(sql string, arguments ...any) pgx.Tx {
	p.t.Helper()
	tx, err := p.db.Begin(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(p.t.Context())) })
	if _, err := tx.Exec(p.t.Context(), sql, arguments...); err != nil {
		p.t.Fatalf("%s: %v", sql, err)
	}
	return tx
}

func (p *scene) until(what string, holds func() bool) {
	p.t.Helper()
	deadline := time.After(time.Minute)
	for !holds() {
		select {
		case <-deadline:
			p.t.Fatalf("%s: not within a minute", what)
		case <-time.After(time.Millisecond):
		}
	}
}

// holdReaders blocks look-ups, holdMakers inserts.
const (
	holdReaders = "LOCK TABLE auth.users IN ACCESS EXCLUSIVE MODE"
	holdMakers  = "LOCK TABLE auth.users IN SHARE MODE"
)

type waiting struct {
	context.Context
	times atomic.Int32
}

func (w *waiting) Done() <-chan struct{} {
	w.times.Add(1)
	return w.Context.Done()
}

type asker struct {
	user  User
	err   error
	ended chan struct{}
	ctx   *waiting
	leave context.CancelFunc
}

func (a *asker) done() bool {
	select {
	case <-a.ended:
		return true
	default:
		return false
	}
}

func crowd[Q any](p *scene, ask func(s *Store, ctx context.Context, question Q) (User, error), questions ...Q) []*asker {
	p.t.Helper()
	all := make([]*asker, len(questions))
	for i, question := range questions {
		ctx, leave := context.WithCancel(p.t.Context())
		a := &asker{ended: make(chan struct{}), ctx: &waiting{Context: ctx}, leave: leave}
		p.t.Cleanup(leave)
		all[i] = a
		go func() {
			defer close(a.ended)
			a.user, a.err = ask(p.stores[i%len(p.stores)], a.ctx, question)
		}()
	}
	return all
}

func (p *scene) gathered(all []*asker, times int32) {
	p.t.Helper()
	p.until("everybody waits", func() bool {
		for _, a := range all {
			if !a.done() && a.ctx.times.Load() < times {
				return false
			}
		}
		return true
	})
}

func (p *scene) finish(all []*asker) {
	p.t.Helper()
	for i, a := range all {
		select {
		case <-a.ended:
		case <-time.After(time.Minute):
			p.t.Fatalf("number %d was not answered within a minute", i)
		}
	}
}

func (p *scene) meetTogether(sessions ...token.Claims) []*asker {
	p.t.Helper()
	waits, last := int32(2), uint64(0) // look-up and insert
	if p.newcomers {
		waits, last = 1, ^uint64(0)
	}
	for _, s := range p.stores {
		s.misses.last.Store(last)
	}
	tx := p.hold(holdMakers)
	all := crowd(p, (*Store).FirstSight, sessions...)
	p.gathered(all, waits)
	for _, s := range p.stores {
		if s.misses.high() != p.newcomers {
			p.t.Errorf("newcomers are expected: %v, expected %v while all of them wait", !p.newcomers, p.newcomers)
		}
	}
	if err := tx.Rollback(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	p.finish(all)
	return all
}

var people atomic.Int64

func newUID() string { return fmt.Sprintf("uid-%024d", people.Add(1)) }

func newEmail() string { return fmt.Sprintf("person%d@example.com", people.Add(1)) }

func session(uid, email string, changes ...func(*token.Claims)) token.Claims {
	c := token.Claims{
		Kind: token.KindFirebase, Subject: uid, Email: email, EmailVerified: email != "", SignInProvider: "google.com",
		Identities: []string{"google.com"}, AuthTime: time.Now().Add(-time.Minute).Truncate(time.Second),
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func withName(name string) func(*token.Claims) { return func(c *token.Claims) { c.Name = name } }

func times[T any](n int, make func() T) (all []T) {
	for range n {
		all = append(all, make())
	}
	return all
}
