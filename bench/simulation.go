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
	// warmUp is the virtual time before any is counted: longer than facts are believed.
	warmUp = principal.MaxFactsAge + 5*time.Second
	// tokenLife is Firebase's: then a person has another token, which no instance knows.
	tokenLife = time.Hour
)

// scenario is a run of the simulation.
type scenario struct {
	people, instances int
	every, length     time.Duration
	tier              bool
}

func (s scenario) tierWord() string {
	if s.tier {
		return "with"
	}
	return "without"
}

// spread is what a run has counted.
type spread struct {
	scenario
	counts
	took time.Duration // in real time
}

// doubt is what was wrong with a run: its counts are not those of the service.
func (s spread) doubt() error {
	name := fmt.Sprintf("%d instances, a request every %s, %s", s.instances, s.every, s.tierWord())
	switch virtual := warmUp + s.length; {
	case s.took > virtual:
		return fmt.Errorf("%s: %s of virtual time took %s, and Redis has forgotten too early: raise --sample", name, virtual, s.took)
	case s.broken > s.looks/50:
		return fmt.Errorf("%s: %d of %d looks into Redis failed: raise --sample", name, s.broken, s.looks)
	}
	return nil
}

type counts struct {
	requests, verified, reads int // reads: of rows, in the database
	looks, tierHits, broken   int // into the tier
}

// world is instances between which a round robin spreads the requests of people. The resolvers with their caches and tiers are
// those of the service, and the Redis is one. Made up are the people: each sends requests at random moments, on average one in
// scenario.every, with a token that lives an hour. Requests come one after the other, so that all is counted without a lock.
//
// Time is virtual: half a minute of a hundred thousand people need not take as long. It must not be slower than the real one, by
// which Redis and the caches forget: spread.doubt says where it was. Facts themselves age by the dates in them, which are virtual.
type world struct {
	scenario
	counts
	chance    *rand.Rand
	start     time.Time
	now       time.Time
	resolvers []*principal.Resolver
	rows      map[uuid.UUID]user.User
	ages      []time.Duration // of people's tokens at the start
}

// simulate runs a scenario; dir is for Redis.
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

// open makes the instances, and Redis where they have a tier.
func (w *world) open(ctx context.Context, dir string) (stop func() error, err error) {
	caches := make([]*principal.Cache, w.instances)
	tiers := make([]*principal.SharedCache, len(caches))
	for i := range caches {
		caches[i] = principal.NewCache(principal.CacheOptions{})
	}
	stop = func() error { return nil }
	if w.tier {
		if stop, err = w.openTiers(ctx, dir, caches, tiers); err != nil {
			return nil, err
		}
	}
	for i, cache := range caches {
		w.resolvers = append(w.resolvers, principal.NewResolver(principal.Options{
			Verifier: w, Users: w, Cache: cache, SharedCache: tiers[i], Clock: func() time.Time { return w.now },
		}))
	}
	return stop, nil
}

func (w *world) openTiers(
	ctx context.Context, dir string, caches []*principal.Cache, tiers []*principal.SharedCache,
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
		tiers[i], err = principal.NewSharedCache(principal.SharedCacheOptions{
			Redis: client, Secret: []byte("secret-of-a-bench"), Cache: cache, Observe: w.observe,
		})
		if err != nil {
			return nil, errors.Join(err, stop())
		}
		leaving.Go(func() { _ = tiers[i].Run(ctx) })
	}
	return stop, nil
}

// observe counts looks; leaving is another goroutine's, and nobody waits for it.
func (w *world) observe(operation, result string) {
	if operation != "read" {
		return
	}
	w.looks++
	switch result {
	case "hit":
		w.tierHits++
	case "miss", "expired":
	default:
		w.broken++
	}
}

// hourBefore lets instances know the tokens that they have met before the start: an hour of requests, without their facts, which
// have grown old. A token of some age is known where a request of its owner's has come by since.
func (w *world) hourBefore(ctx context.Context) error {
	w.now = w.start.Add(-principal.MaxFactsAge)
	rare := w.every.Seconds() * float64(len(w.resolvers)) // between two requests of a person to an instance
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

// send lets people ask: together they are one random process, each request of which is somebody's.
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

// token is what a person shows at an instant: whose it is, and which of theirs.
func (w *world) token(person int, at time.Time) string {
	return fmt.Sprintf("%d %d", person, (at.Sub(w.start)+w.ages[person])/tokenLife)
}

// Verify trusts a token.
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

// ByID reads a row in the database.
func (w *world) ByID(_ context.Context, id uuid.UUID) (user.User, error) {
	w.reads++
	return w.rows[id], nil
}

// FirstSight finds the row of a token that an instance has not seen.
func (w *world) FirstSight(ctx context.Context, claims token.Claims) (user.User, error) {
	return w.ByID(ctx, claims.UserID)
}

// ByLegacyID is asked for legacy tokens alone.
func (w *world) ByLegacyID(ctx context.Context, id uuid.UUID) (user.User, error) {
	return w.ByID(ctx, id)
}

// Seen would move last_login, off the path.
func (w *world) Seen(user.User) {}
