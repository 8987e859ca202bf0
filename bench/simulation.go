package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"

	"auth-v2-service/internal/devstack/redis"
	"auth-v2-service/internal/principal"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

const (
	// warmUp exceeds the facts' age.
	warmUp = principal.MaxFactsAge + 5*time.Second
	// tokenLife is Firebase's.
	tokenLife = time.Hour
)

type scenario struct {
	people, instances int
	every, length     time.Duration
	shared            bool
}

func (s scenario) sharedWord() string {
	if s.shared {
		return "with"
	}
	return "without"
}

type spread struct {
	scenario
	counts
	took time.Duration // real time
}

// doubt reports a run too slow for its virtual time, or failed reads of Redis.
func (s spread) doubt() error {
	name := fmt.Sprintf("%d instances, a request every %s, %s", s.instances, s.every, s.sharedWord())
	switch virtual := warmUp + s.length; {
	case s.took > virtual:
		return fmt.Errorf("%s: %s of virtual time took %s, and Redis has forgotten too early: raise --sample", name, virtual, s.took)
	case s.broken > s.looks/50:
		return fmt.Errorf("%s: %d of %d looks into Redis failed: raise --sample", name, s.broken, s.looks)
	}
	return nil
}

type counts struct {
	requests, verified, reads int // reads: database rows
	looks, sharedHits, broken int // SharedCache
}

// world simulates a round robin over the service's own resolvers, caches and one Redis. Requests run in sequence, so counts need no lock.
//
// Time is virtual. It must not run slower than real time, by which Redis and the caches forget.
type world struct {
	scenario
	counts
	chance    *rand.Rand
	start     time.Time
	now       time.Time
	resolvers []*principal.Resolver
	rows      map[uuid.UUID]user.User
	ages      []time.Duration // at the start
}

func simulate(ctx context.Context, s scenario, dir string) (counted spread, err error) {
	now := time.Now()
	w := &world{
		scenario: s, start: now, now: now, rows: map[uuid.UUID]user.User{},
		chance: rand.New(rand.NewPCG(1, 2)), //nolint:gosec // each run meets the same people
	}
	stop, err := w.open(ctx, dir)
	if err != nil {
		return spread{}, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := w.hourBefore(ctx); err != nil {
		return spread{}, err
	}
	if err := w.send(ctx); err != nil {
		return spread{}, err
	}
	return spread{s, w.counts, time.Since(now)}, nil
}

func (w *world) open(ctx context.Context, dir string) (stop func() error, err error) {
	caches := make([]*principal.Cache, w.instances)
	shared := make([]*principal.SharedCache, len(caches))
	for i := range caches {
		caches[i] = principal.NewCache(principal.CacheOptions{})
	}
	stop = func() error { return nil }
	if w.shared {
		if stop, err = w.openShared(ctx, dir, caches, shared); err != nil {
			return nil, err
		}
	}
	for i, cache := range caches {
		w.resolvers = append(w.resolvers, principal.NewResolver(principal.Options{
			Verifier: w, Users: w, Cache: cache, SharedCache: shared[i], Clock: func() time.Time { return w.now },
		}))
	}
	return stop, nil
}

func (w *world) openShared(
	ctx context.Context, dir string, caches []*principal.Cache, shared []*principal.SharedCache,
) (stop func() error, err error) {
	server, err := redis.Start(ctx, redis.Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	options, err := goredis.ParseURL(server.URL())
	if err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	options.MaxRetries, options.ContextTimeoutEnabled = -1, true
	client := goredis.NewClient(options)
	ctx, cancel := context.WithCancel(ctx)
	var leaving sync.WaitGroup
	stop = func() error {
		cancel()
		leaving.Wait()
		return errors.Join(client.Close(), server.Stop())
	}
	for i, cache := range caches {
		shared[i], err = principal.NewSharedCache(principal.SharedCacheOptions{
			Redis: client, Secret: []byte("secret-of-a-bench"), Cache: cache, Observe: w.observe,
		})
		if err != nil {
			return nil, errors.Join(err, stop())
		}
		leaving.Go(func() { _ = shared[i].Run(ctx) })
	}
	return stop, nil
}

// observe ignores writes, which another goroutine makes.
func (w *world) observe(operation, result string) {
	if operation != "read" {
		return
	}
	w.looks++
	switch result {
	case "hit":
		w.sharedHits++
	case "miss", "expired":
	default:
		w.broken++
	}
}

// hourBefore makes tokens known without fresh facts. A token is known after one request with it.
func (w *world) hourBefore(ctx context.Context) error {
	w.now = w.start.Add(-principal.MaxFactsAge)
	rare := w.every.Seconds() * float64(len(w.resolvers)) // between a user's requests to one instance
	for i := range w.people {
		age := time.Duration(w.chance.Int64N(int64(tokenLife)))
		w.ages = append(w.ages, age)
		w.rows[idOf(i)] = rowOf(i)
		for _, resolver := range w.resolvers {
			if w.chance.Float64() < math.Exp(-age.Seconds()/rare) {
				continue
			}
			if _, err := resolver.Resolve(ctx, w.token(i, w.start)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) send(ctx context.Context) error {
	between := w.every.Seconds() / float64(w.people)
	end, counting := w.start.Add(warmUp+w.length), false
	w.now = w.start
	for i := 0; ; i++ {
		w.now = w.now.Add(time.Duration(w.chance.ExpFloat64() * between * float64(time.Second)))
		switch {
		case !w.now.Before(end):
			return nil
		case !counting && w.now.Sub(w.start) >= warmUp:
			w.counts, counting = counts{}, true
		}
		person := w.chance.IntN(w.people)
		if _, err := w.resolvers[i%len(w.resolvers)].Resolve(ctx, w.token(person, w.now)); err != nil {
			return err
		}
		w.requests++
	}
}

// token returns the user's token of that hour.
func (w *world) token(person int, at time.Time) string {
	return fmt.Sprintf("%d %d", person, (at.Sub(w.start)+w.ages[person])/tokenLife)
}

// Verify trusts every token.
func (w *world) Verify(_ context.Context, compact string) (token.Claims, error) {
	w.verified++
	var person int
	var serial time.Duration
	if _, err := fmt.Sscanf(compact, "%d %d", &person, &serial); err != nil {
		return token.Claims{}, fmt.Errorf("read the token: %w", err)
	}
	issued := w.start.Add(serial*tokenLife - w.ages[person])
	return token.Claims{
		Kind: token.KindFirebase, Subject: someone("known", person).uid, UserID: idOf(person),
		AuthTime: issued, IssuedAt: issued, ExpiresAt: issued.Add(tokenLife),
	}, nil
}

func idOf(person int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("00000000-0000-4000-8000-%012d", person))
}

func rowOf(person int) user.User {
	p := someone("known", person)
	return user.User{
		ID: idOf(person), FirebaseUID: p.uid, AuthProvider: "firebase", Username: p.name, Email: p.email, Type: "user",
		IsActive: true, FederationStatus: user.StatusActive,
	}
}

// ByID counts a read.
func (w *world) ByID(_ context.Context, id uuid.UUID) (user.User, error) {
	w.reads++
	return w.rows[id], nil
}

// FirstSight reads the row.
func (w *world) FirstSight(ctx context.Context, claims token.Claims) (user.User, error) {
	return w.ByID(ctx, claims.UserID)
}

// ByLegacyID is unused.
func (w *world) ByLegacyID(ctx context.Context, id uuid.UUID) (user.User, error) {
	return w.ByID(ctx, id)
}

// Seen does nothing.
func (w *world) Seen(user.User) {}
