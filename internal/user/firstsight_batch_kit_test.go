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

// rounds is how often the race table is played. GATHER_ROUNDS=100 asks for a hundred.
func rounds(t *testing.T) int {
	t.Helper()
	text := os.Getenv("GATHER_ROUNDS")
	if text == "" {
		return 3
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("GATHER_ROUNDS: %v", err)
	}
	return n
}

// atFirebase is a Firebase whose accounts a test sets; who is not there is gone.
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

// statements counts those that ran, by name, and notes how PostgreSQL refused some.
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

// has says whether a statement has begun since the last time.
func (s *statements) has(name string) bool {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.ran[name] > 0
}

// since gives what has run and been refused since the last time.
func (s *statements) since() (ran, codes map[string]int) {
	s.lock.Lock()
	defer s.lock.Unlock()
	ran, codes = maps.Clone(s.ran), maps.Clone(s.codes)
	clear(s.ran)
	clear(s.codes)
	return ran, codes
}

// scene is one database with some instances of the store on it, and a Firebase.
type scene struct {
	t          testing.TB
	db         *pgxpool.Pool
	stores     []*Store
	firebase   *atFirebase
	statements *statements
	sights     sync.Map // Sight -> *atomic.Int64
	newcomers  bool     // are expected, whenever a crowd meets
}

// newScene starts instances that serve with as many connections each, and whose groups take all who wait and as long as a test does. Where
// makers are held, three connections of an instance are, beside the one that has asked first.
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

// patient are lanes without a limit that a slow machine could reach.
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

// number counts what a condition finds.
func (p *scene) number(from string, arguments ...any) int {
	p.t.Helper()
	var n int
	if err := p.db.QueryRow(p.t.Context(), "SELECT count(*) FROM "+from, arguments...).Scan(&n); err != nil {
		p.t.Fatalf("count %s: %v", from, err)
	}
	return n
}

// hold begins a transaction that holds what its statement locks or writes.
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

// until waits for a condition, with a limit.
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

// Statements that hold everybody up: the first one what reads, the other what makes rows.
const (
	holdReaders = "LOCK TABLE auth.users IN ACCESS EXCLUSIVE MODE"
	holdMakers  = "LOCK TABLE auth.users IN SHARE MODE"
)

// waiting is a context that tells how often its holder has begun to wait for something.
type waiting struct {
	context.Context
	times atomic.Int32
}

func (w *waiting) Done() <-chan struct{} {
	w.times.Add(1)
	return w.Context.Done()
}

// asker is one of a crowd.
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

// crowd asks in turn of the instances, all at once. It comes back when everybody has.
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

// gathered waits until each of a crowd has begun to wait that often, or has been answered.
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

// meetTogether shows every session of first sight at once, so that as many as can be wait for one statement.
func (p *scene) meetTogether(sessions ...token.Claims) []*asker {
	p.t.Helper()
	waits, last := int32(2), uint64(0) // for the look, and for the row
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

// newUID is a Firebase uid that nobody has.
func newUID() string { return fmt.Sprintf("uid-%024d", people.Add(1)) }

func newEmail() string { return fmt.Sprintf("person%d@example.com", people.Add(1)) }

// session is what a token of somebody says who signed in a minute ago, changed by each.
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

// times gives n of what make makes.
func times[T any](n int, make func() T) (all []T) {
	for range n {
		all = append(all, make())
	}
	return all
}
