package principal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/redistest"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

type table struct {
	row   atomic.Pointer[user.User]
	reads atomic.Int32
}

// node hears no changes; the test delivers them.
type node struct {
	*Resolver
	t           testing.TB
	table       *table
	invalidator *Invalidator
	shared      *SharedCache
	time        clock
	results     results
	// pause holds the next reading before and after the row.
	pause atomic.Pointer[func()]
}

type results struct {
	sync.Mutex
	n map[string]int
}

func (r *results) observe(operation, result string) {
	r.Lock()
	defer r.Unlock()
	r.n[operation+" "+result]++
}

func (r *results) of(what string) int {
	r.Lock()
	defer r.Unlock()
	return r.n[what]
}

func dial(t testing.TB, url string) redis.UniversalClient {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	options.MaxRetries, options.ContextTimeoutEnabled = -1, true
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func (tb *table) node(t testing.TB, client redis.UniversalClient, secret string) *node {
	t.Helper()
	n := &node{t: t, table: tb, results: results{n: map[string]int{}}}
	n.time.nanos.Store(time.Now().UnixNano())
	cache := NewCache(CacheOptions{})
	cache.now = n.time.now
	n.invalidator = NewInvalidator(cache, NewAnnouncer(client, slog.New(slog.DiscardHandler)))
	shared, err := NewSharedCache(SharedCacheOptions{Redis: client, Secret: []byte(secret), Cache: cache, Observe: n.results.observe})
	if err != nil {
		t.Fatal(err)
	}
	n.shared = shared
	n.Resolver = NewResolver(Options{Verifier: n, Users: n, Cache: cache, SharedCache: shared, Clock: n.time.now})
	return n
}

func (n *node) Verify(context.Context, string) (token.Claims, error) {
	now := n.time.now()
	return token.Claims{Kind: token.KindFirebase, Subject: "subject", AuthTime: now, ExpiresAt: now.Add(time.Hour)}, nil
}

func (n *node) FirstSight(context.Context, token.Claims) (user.User, error) {
	return *n.table.row.Load(), nil
}

func (n *node) ByID(context.Context, uuid.UUID) (user.User, error) {
	pause := n.pause.Swap(nil)
	if pause != nil {
		(*pause)()
	}
	n.table.reads.Add(1)
	u := *n.table.row.Load()
	if pause != nil {
		(*pause)()
	}
	return u, nil
}

func (n *node) ByLegacyID(context.Context, uuid.UUID) (user.User, error) {
	return user.User{}, errors.New("nobody has a legacy token here")
}

func (n *node) Seen(user.User) {}

func (n *node) ask() error {
	_, err := n.Resolve(context.Background(), "the token")
	return err
}

// grow drops facts without an invalidation.
func (n *node) grow() { n.cache.people.InvalidateAll() }

func (n *node) flush() {
	for {
		select {
		case l := <-n.shared.waiting:
			n.shared.observe("write", n.shared.write(context.Background(), l))
		default:
			return
		}
	}
}

func active() *user.User { return &user.User{ID: uuid.New(), FirebaseUID: "subject", IsActive: true} }

// shares retries: a busy machine may time out.
func (n *node) shares(what string, with *node) {
	n.t.Helper()
	for range 50 {
		before := with.results.of("read " + sharedHit)
		n.grow()
		if err := n.ask(); err != nil {
			n.t.Fatalf("%s: %v", what, err)
		}
		n.flush()
		with.grow()
		reads := n.table.reads.Load()
		if err := with.ask(); err != nil {
			n.t.Fatalf("%s: %v", what, err)
		}
		if n.table.reads.Load() == reads && with.results.of("read "+sharedHit) == before+1 {
			return
		}
		waitUntil(n.t, "Redis is asked", func() bool { return n.shared.breaker.Allow(context.Background()) })
		waitUntil(n.t, "Redis is asked", func() bool { return with.shared.breaker.Allow(context.Background()) })
	}
	n.t.Fatalf("%s: nothing is shared: %v, %v", what, n.results.n, with.results.n)
}

func knowing(t *testing.T) (tb *table, a, b *node, client redis.UniversalClient) {
	t.Helper()
	tb = &table{}
	tb.row.Store(active())
	client = dial(t, redistest.New(t))
	a, b = tb.node(t, client, "a secret"), tb.node(t, client, "a secret")
	for _, n := range []*node{a, b} {
		if err := n.ask(); err != nil {
			t.Fatal(err)
		}
	}
	return tb, a, b, client
}

func TestSharedCache_OneReadingSparesTheOthers_E2(t *testing.T) {
	t.Parallel()
	tb, a, b, client := knowing(t)
	a.shares("E2", b)
	stranger := tb.node(t, client, "another secret")
	if err := stranger.ask(); err != nil {
		t.Fatal(err)
	}
	stranger.grow()
	reads := tb.reads.Load()
	if err := stranger.ask(); err != nil || tb.reads.Load() != reads+1 {
		t.Errorf("an instance with another key: %v, %d readings, expected its own", err, tb.reads.Load()-reads)
	}
}

func TestSharedCache_AgeGoesOnThroughBothCaches_T5(t *testing.T) {
	t.Parallel()
	tb, a, b, _ := knowing(t)
	a.shares("E2", b)
	gone := *tb.row.Load()
	gone.IsActive = false
	tb.row.Store(&gone)
	b.time.advance(MaxFactsAge - clockMargin - 100*time.Millisecond)
	if err := b.ask(); err != nil {
		t.Errorf("facts that are younger than 9 s: %v, expected them to be believed", err)
	}
	b.time.advance(100 * time.Millisecond)
	if err := b.ask(); !errors.Is(err, user.ErrDeactivated) {
		t.Errorf("T5: facts of 10 s at most: %v, expected the row's word", err)
	}
}

func TestSharedCache_InvalidationReachesRedis_T5(t *testing.T) {
	t.Parallel()
	for name, invalidate := range map[string]func(n *node, id uuid.UUID){
		"ours":            func(n *node, id uuid.UUID) { n.invalidator.Changed(context.Background(), id) },
		"heard elsewhere": func(n *node, id uuid.UUID) { _ = n.invalidator.evict(context.Background(), id) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tb, a, b, _ := knowing(t)
			a.shares("E2", b)
			b.grow()
			gone := *tb.row.Load()
			gone.IsActive = false
			tb.row.Store(&gone)
			invalidate(a, gone.ID)
			if err := b.ask(); !errors.Is(err, user.ErrDeactivated) {
				t.Errorf("T5: an instance that has heard nothing: %v, expected the row's word", err)
			}
		})
	}
}

func TestSharedCache_BelievesNothingThatItShouldNot_T7(t *testing.T) {
	t.Parallel()
	tb := &table{}
	tb.row.Store(active())
	n := tb.node(t, dial(t, redistest.New(t)), "a secret")
	now, id := n.time.now(), tb.row.Load().ID
	remembered := verified{claims: token.Claims{Kind: token.KindFirebase, Subject: "subject"}, userID: id}
	of := func(whose factsKey, u *user.User, age time.Duration) []byte {
		t.Helper()
		sealed, err := n.shared.seal.seal(whose, *u, now.Add(-age))
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	whose, u, other := remembered.factsKey(), tb.row.Load(), *tb.row.Load()
	other.FirebaseUID = "another"
	elsewhere := *u
	elsewhere.ID = uuid.New()
	changed := uuid.New()
	n.cache.forget(changed)
	const whole = MaxFactsAge
	for what, c := range map[string]struct {
		found found
		of    uuid.UUID
		want  string
	}{
		"nothing":                               {found{}, id, sharedMiss},
		"facts of now":                          {found{of(whose, u, 0), whole, ""}, id, sharedHit},
		"facts of 8 s":                          {found{of(whose, u, 8*time.Second), whole, ""}, id, sharedHit},
		"facts of 8 s that will not go":         {found{of(whose, u, 8*time.Second), time.Hour, ""}, id, sharedHit},
		"facts that Redis does not date":        {found{of(whose, u, 0), -1, ""}, id, sharedHit},
		"replayed after 9 s":                    {found{of(whose, u, 9*time.Second), whole, ""}, id, sharedExpired},
		"replayed after an hour":                {found{of(whose, u, time.Hour), whole, ""}, id, sharedExpired},
		"by a clock that is behind ours":        {found{of(whose, u, time.Second), whole, ""}, id, sharedHit},
		"old by Redis's clock, not by its date": {found{of(whose, u, -time.Second), time.Second, ""}, id, sharedExpired},
		"a little ahead":                        {found{of(whose, u, -time.Second), whole, ""}, id, sharedHit},
		"from the future":                       {found{of(whose, u, -2*time.Second), whole, ""}, id, sharedFuture},
		"forged":                                {found{[]byte(`{"User":{"IsActive":true}}`), whole, ""}, id, sharedForged},
		"somebody else's":                       {found{of(factsKey{uuid.New(), token.KindFirebase}, u, 0), whole, ""}, id, sharedForged},
		"of the other kind of token":            {found{of(factsKey{id, token.KindLegacy}, u, 0), whole, ""}, id, sharedForged},
		"of a row that is another's by now":     {found{of(whose, &other, 0), whole, ""}, id, sharedForeign},
		"of another row":                        {found{of(whose, &elsewhere, 0), whole, ""}, id, sharedForeign},
		"from before a change":                  {found{of(factsKey{changed, token.KindFirebase}, u, 0), whole, ""}, changed, sharedOvertaken},
	} {
		_, began, got := n.shared.judge(&verified{claims: remembered.claims, userID: c.of}, c.found, now)
		if got != c.want {
			t.Errorf("T7: %s: %s, expected %s", what, got, c.want)
		}
		if got == sharedHit && (began.After(now.Add(-clockMargin)) || now.Sub(began) >= MaxFactsAge) {
			t.Errorf("T5: %s: counts as read at %s, it is %s", what, began, now)
		}
	}
	n.cache.forgetAll()
	if _, _, got := n.shared.judge(&remembered, found{of(whose, u, 0), whole, ""}, now); got != sharedOvertaken {
		t.Errorf("T5: after everybody was forgotten, facts from before are %s", got)
	}
	n.time.advance(2 * time.Second)
	if _, _, got := n.shared.judge(&remembered, found{of(whose, u, -2*time.Second), whole, ""}, n.time.now()); got != sharedHit {
		t.Errorf("facts that were read after everybody was forgotten are %s, expected them to be believed", got)
	}
}

func TestSharedCache_OddAnswersOfRedis(t *testing.T) {
	t.Parallel()
	tb, a, b, client := knowing(t)
	id := tb.row.Load().ID
	whose := factsKey{id: id, kind: token.KindFirebase}
	for what, spoil := range map[string]func(){
		"facts that are a list": func() {
			client.Del(t.Context(), redisFactsKey(whose))
			client.RPush(t.Context(), redisFactsKey(whose), "x")
		},
		"a generation that is a list": func() {
			client.Del(t.Context(), redisGenerationKey(id))
			client.RPush(t.Context(), redisGenerationKey(id), "x")
		},
		"a generation of a megabyte": func() { client.Set(t.Context(), redisGenerationKey(id), make([]byte, 1<<20), 0) },
		"facts of a megabyte":        func() { client.Set(t.Context(), redisFactsKey(whose), make([]byte, 1<<20), 0) },
	} {
		client.FlushAll(t.Context())
		spoil()
		for _, n := range []*node{a, b} {
			n.grow()
			if err := n.ask(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			n.flush()
		}
	}
	client.FlushAll(t.Context())
	a.shares("afterwards", b)
}

func TestSharedCache_HangingRedisIsOffTheRoad_O3(t *testing.T) {
	t.Parallel()
	tb := &table{}
	tb.row.Store(active())
	wire, url := netfault.URL(t, redistest.New(t))
	n := tb.node(t, dial(t, url), "a secret")
	if err := n.ask(); err != nil {
		t.Fatal(err)
	}
	wire.Hang()
	began := time.Now()
	for range 100 {
		n.grow()
		if err := n.ask(); err != nil {
			t.Fatal(err)
		}
		n.flush()
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("O3: 100 readings took %s while Redis hung", took)
	}
	if asked := n.results.of("read " + sharedUnavailable); asked != sharedFailures {
		t.Errorf("Redis was asked %d times, expected %d", asked, sharedFailures)
	}
	wire.Restore()
	waitUntil(t, "Redis is asked again", func() bool {
		n.grow()
		return n.ask() == nil && n.results.of("read "+sharedMiss) > 0
	})
}

// Instance b reads; instance a changes the row, and b hears of it after the commit.
var (
	reading  = []string{"looks", "reads", "keeps", "leaves"}
	changing = [][]string{{"commits", "answers", "hears"}, {"commits", "hears", "answers"}}
)

func interleave(a, b []string) (all [][]string) {
	if len(a) == 0 || len(b) == 0 {
		return [][]string{append(append([]string{}, a...), b...)}
	}
	for _, rest := range interleave(a[1:], b) {
		all = append(all, append([]string{a[0]}, rest...))
	}
	for _, rest := range interleave(a, b[1:]) {
		all = append(all, append([]string{b[0]}, rest...))
	}
	return all
}

// race plays one schedule. After the answer only the reading instance may admit the token, until it hears of the change. Redis is emptied
// after event number lost.
func race(t *testing.T, client redis.UniversalClient, schedule []string, lost int) (results map[string]int) {
	tb := &table{}
	tb.row.Store(active())
	id := tb.row.Load().ID
	a, b, c := tb.node(t, client, "a secret"), tb.node(t, client, "a secret"), tb.node(t, client, "a secret")
	for _, n := range []*node{a, b, c} {
		if err := n.ask(); err != nil {
			t.Fatal(err)
		}
		n.grow()
	}
	steps, stepped := make(chan struct{}), make(chan struct{})
	hold := func() { stepped <- struct{}{}; <-steps }
	ended := make(chan struct{})
	answered, heard := false, false
	joins := false // an ask would join a reading from after the change was heard
	do := map[string]func(){
		"looks": func() {
			b.grow()
			b.pause.Store(&hold)
			joins = heard
			go func() { _ = b.ask(); close(ended) }()
			<-stepped
		},
		"reads":   func() { steps <- struct{}{}; <-stepped },
		"keeps":   func() { steps <- struct{}{}; <-ended; joins = false },
		"leaves":  b.flush,
		"commits": func() { gone := *tb.row.Load(); gone.IsActive = false; tb.row.Store(&gone) },
		"answers": func() { a.invalidator.Changed(context.Background(), id); answered = true },
		"hears":   func() { b.cache.forget(id); heard = true },
	}
	for i, event := range schedule {
		do[event]()
		if i == lost {
			client.Del(context.Background(), redisGenerationKey(id), redisFactsKey(factsKey{id, token.KindFirebase}))
		}
		for name, n := range map[string]*node{"the answering instance": a, "an instance that heard nothing": c, "the reading instance": b} {
			if !answered || n == b && (!heard || joins) {
				continue
			}
			if n == c {
				c.grow()
			}
			if err := n.ask(); !errors.Is(err, user.ErrDeactivated) {
				t.Errorf("T5: %v, Redis empty after %d: after %q %s answers %v", schedule, lost, event, name, err)
			}
		}
	}
	a.flush()
	c.flush()
	c.grow()
	if err := c.ask(); !errors.Is(err, user.ErrDeactivated) {
		t.Errorf("T5: %v: at the end: %v", schedule, err)
	}
	all := map[string]int{}
	for _, n := range []*node{a, b, c} {
		maps.Copy(all, n.results.n)
	}
	return all
}

// RACE_ROUNDS sets the rounds (default 700, ten per schedule).
func TestSharedCache_ReadingRacesAChange_T5(t *testing.T) {
	t.Parallel()
	rounds := 700
	if asked := os.Getenv("RACE_ROUNDS"); asked != "" {
		var err error
		if rounds, err = strconv.Atoi(asked); err != nil {
			t.Fatal(err)
		}
	}
	var schedules [][]string
	for _, change := range changing {
		schedules = append(schedules, interleave(reading, change)...)
	}
	client := dial(t, redistest.New(t))
	began, seen := time.Now(), map[string]int{}
	for round := range rounds {
		schedule := schedules[round%len(schedules)]
		lost := rand.IntN(3*len(schedule)) - len(schedule) // a third of the rounds
		for result, n := range race(t, client, schedule, lost) {
			seen[result] += n
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("T5: %d rounds over %d schedules in %s: %s", rounds, len(schedules), time.Since(began).Round(time.Millisecond), fmt.Sprint(seen))
	for _, result := range []string{"read " + sharedHit, "write " + sharedKept, "write " + sharedOvertaken} {
		if seen[result] == 0 {
			t.Errorf("%q never came about: the schedules have nothing to say", result)
		}
	}
}
