package principal

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

func TestCache_FillOvertakenByInvalidationIsDropped(t *testing.T) {
	t.Parallel()
	now, id := time.Now(), uuid.New()
	for name, invalidate := range map[string]func(*Cache){
		"the user":  func(c *Cache) { c.forget(id) },
		"everybody": func(c *Cache) { c.forgetAll() },
		"so many that one stands for all": func(c *Cache) {
			for range maxRecent + 1 {
				c.forget(uuid.New())
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := NewCache(CacheOptions{})
			before := c.beginFill(now)
			invalidate(c)
			c.keepFacts(before, token.KindFirebase, user.User{ID: id})
			if c.facts(atFirebase(id), now) != nil {
				t.Error("T5: facts read before an invalidation were kept after it")
			}
			c.keepFacts(c.beginFill(now), token.KindFirebase, user.User{ID: id})
			if c.facts(atFirebase(id), now) == nil {
				t.Error("facts read after the invalidation were not kept")
			}
		})
	}
}

func TestCache_FillOvertakenByAStrangersInvalidationIsKept(t *testing.T) {
	t.Parallel()
	c, now, id := NewCache(CacheOptions{}), time.Now(), uuid.New()
	before := c.beginFill(now)
	c.forget(uuid.New())
	c.keepFacts(before, token.KindFirebase, user.User{ID: id})
	if c.facts(atFirebase(id), now) == nil {
		t.Error("facts were dropped for an invalidation of somebody else")
	}
}

func TestCache_FillsAndInvalidationsInAnyOrder(t *testing.T) {
	t.Parallel()
	c, now := NewCache(CacheOptions{}), time.Now()
	for round := range 5000 {
		id := uuid.New()
		var row atomic.Int32
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				f := c.beginFill(now)
				c.keepFacts(f, token.KindFirebase, user.User{ID: id, TokenBalance: row.Load()})
			})
		}
		all.Go(func() {
			row.Store(1)
			c.forget(id)
		})
		all.Wait()
		if k := c.facts(atFirebase(id), now); k != nil && k.user.TokenBalance != 1 {
			t.Fatalf("T5, round %d: facts from before the invalidation are kept", round)
		}
	}
}

func TestCache_TokenEndsAtExp(t *testing.T) {
	t.Parallel()
	c, end, key := NewCache(CacheOptions{}), time.Now().Add(time.Hour).Truncate(time.Second), keyOf([]byte("a token"))
	c.keepToken(key, verified{claims: token.Claims{ExpiresAt: end}, userID: uuid.New()})
	if c.token(key, end.Add(-time.Nanosecond)) == nil {
		t.Error("T6: forgotten before its end")
	}
	if c.token(key, end) != nil {
		t.Error("T6: remembered at its end")
	}
	if c.token(key, end.Add(-time.Minute)) != nil {
		t.Error("T6: remembered again after its end was seen")
	}
}

func TestCache_FactsAgeFromTheBeginningOfTheirReading(t *testing.T) {
	t.Parallel()
	c, began, id := NewCache(CacheOptions{}), time.Now(), uuid.New()
	c.keepFacts(c.beginFill(began), token.KindFirebase, user.User{ID: id})
	if c.facts(atFirebase(id), began.Add(MaxFactsAge-time.Millisecond)) == nil {
		t.Error("T5: forgotten before they were 10 s old")
	}
	if c.facts(atFirebase(id), began.Add(MaxFactsAge)) != nil {
		t.Error("T5: believed at 10 s")
	}
}

func TestKeyOf_IsTheTokensHash(t *testing.T) {
	t.Parallel()
	if a, b := keyOf([]byte("one token")), keyOf([]byte("another")); a == b || len(a) != 32 {
		t.Errorf("T6: keys %x and %x", a, b)
	}
}

func atFirebase(id uuid.UUID) factsKey { return factsKey{id: id, kind: token.KindFirebase} }
