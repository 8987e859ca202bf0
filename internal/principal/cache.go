package principal

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

// MaxFactsAge is how long cached facts are valid (T5), also while no invalidation arrives.
const MaxFactsAge = 10 * time.Second

var factsAge = fmt.Sprintf("%g s", MaxFactsAge.Seconds())

// DefaultCacheBytes holds some 90,000 users with one token each.
const DefaultCacheBytes = 128 << 20

// verified is immutable once stored.
type verified struct {
	claims    token.Claims
	userID    uuid.UUID
	responses [ResponseKinds]Response
	reading   uint64 // known.reading of the responses; 0: none
}

// factsKey has the kind: only facts for legacy tokens include ended sessions.
type factsKey struct {
	id   uuid.UUID
	kind token.Kind
}

func (v *verified) factsKey() factsKey { return factsKey{id: v.userID, kind: factsKind(v.claims)} }

// factsKind is legacy for a Firebase session that continues a legacy one: it ends with that session (M9).
func factsKind(claims token.Claims) token.Kind {
	if claims.OfLegacySession() {
		return token.KindLegacy
	}
	return claims.Kind
}

// isOf checks the subject too: the Firebase account may have been relinked.
func (v *verified) isOf(u user.User) bool { return u.ID == v.userID && isRowOf(v.claims, u) }

func isRowOf(claims token.Claims, u user.User) bool {
	switch claims.Kind {
	case token.KindFirebase:
		return u.FirebaseUID == claims.Subject
	case token.KindLegacy:
		return u.ID == claims.UserID
	}
	return false
}

// known is immutable once stored. Each reading has its own number.
type known struct {
	user    user.User
	readAt  time.Time
	reading uint64
}

// Cache keeps verified tokens and user facts in bounded memory. It is safe for concurrent use.
type Cache struct {
	tokens *otter.Cache[tokenKey, *verified]
	people *otter.Cache[factsKey, *known]
	onUse  func(cache, result string)

	// filling guards what follows. A fill from before an invalidation of its user is dropped (T5).
	filling       sync.Mutex
	invalidations uint64
	readings      uint64
	recent        map[uuid.UUID]invalidation // the last of each user
	everybody     invalidation               // the last of all users

	now func() time.Time
}

type invalidation struct {
	number uint64
	at     time.Time
}

// Beyond maxRecent one invalidation of all users replaces recent.
const maxRecent = 50_000

// CacheOptions configures a Cache. The zero value is valid.
type CacheOptions struct {
	// Bytes includes the cache's own structures. 0: DefaultCacheBytes.
	Bytes uint64
	// OnUse receives each look-up ("tokens" or "facts", "hit" or "miss").
	OnUse func(cache, result string)
}

// NewCache returns an empty cache.
func NewCache(o CacheOptions) *Cache {
	if o.OnUse == nil {
		o.OnUse = func(string, string) {}
	}
	bytes := cmp.Or(o.Bytes, DefaultCacheBytes)
	return &Cache{
		tokens: otter.Must(&otter.Options[tokenKey, *verified]{
			MaximumWeight: bytes - bytes/3,
			Weigher:       tokenSize,
			ExpiryCalculator: otter.ExpiryCreatingFunc(func(entry otter.Entry[tokenKey, *verified]) time.Duration {
				return time.Until(entry.Value.claims.ExpiresAt)
			}),
		}),
		people: otter.Must(&otter.Options[factsKey, *known]{
			MaximumWeight:    bytes / 3,
			Weigher:          factsSize,
			ExpiryCalculator: otter.ExpiryWriting[factsKey, *known](MaxFactsAge),
		}),
		onUse:  o.OnUse,
		recent: map[uuid.UUID]invalidation{},
		now:    time.Now,
	}
}

// token returns nil for an expired token (T6).
func (c *Cache) token(key tokenKey, now time.Time) *verified {
	v, ok := c.tokens.GetIfPresent(key)
	if ok && !now.Before(v.claims.ExpiresAt) {
		c.tokens.Invalidate(key)
		return nil
	}
	return v
}

func (c *Cache) keepToken(key tokenKey, v verified) { c.tokens.Set(key, &v) }

func (c *Cache) facts(key factsKey, now time.Time) *known {
	k, ok := c.people.GetIfPresent(key)
	if !ok || now.Sub(k.readAt) >= MaxFactsAge {
		return nil
	}
	return k
}

func (c *Cache) used(v *verified, facts *known) {
	c.onUse("tokens", outcome(v != nil))
	if v != nil {
		c.onUse("facts", outcome(facts != nil))
	}
}

type fill struct {
	after  uint64
	readAt time.Time
}

// beginFill must precede the query for keepFacts.
func (c *Cache) beginFill(now time.Time) fill {
	c.filling.Lock()
	defer c.filling.Unlock()
	return fill{after: c.invalidations, readAt: now}
}

func (c *Cache) generation() uint64 {
	c.filling.Lock()
	defer c.filling.Unlock()
	return c.invalidations
}

// keepFacts drops facts that an invalidation has overtaken.
func (c *Cache) keepFacts(f fill, kind token.Kind, u user.User) (kept bool) {
	c.filling.Lock()
	defer c.filling.Unlock()
	if max(c.everybody.number, c.recent[u.ID].number) > f.after {
		return false
	}
	c.readings++
	c.people.Set(factsKey{id: u.ID, kind: kind}, &known{user: u, readAt: f.readAt, reading: c.readings})
	return true
}

func (c *Cache) unchangedSince(id uuid.UUID, instant time.Time) bool {
	c.filling.Lock()
	defer c.filling.Unlock()
	return c.everybody.at.Before(instant) && c.recent[id].at.Before(instant)
}

func (c *Cache) forget(id uuid.UUID) {
	c.filling.Lock()
	defer c.filling.Unlock()
	c.invalidations++
	heard := invalidation{number: c.invalidations, at: c.now()}
	if len(c.recent) >= maxRecent {
		c.everybody = heard
		clear(c.recent)
	}
	c.recent[id] = heard
	for _, kind := range token.Kinds() {
		c.people.Invalidate(factsKey{id: id, kind: kind})
	}
}

// forgetAll keeps the claims: they cannot change.
func (c *Cache) forgetAll() {
	c.filling.Lock()
	defer c.filling.Unlock()
	c.invalidations++
	c.everybody = invalidation{number: c.invalidations, at: c.now()}
	clear(c.recent)
	c.people.InvalidateAll()
}

func outcome(hit bool) string {
	if hit {
		return "hit"
	}
	return "miss"
}
