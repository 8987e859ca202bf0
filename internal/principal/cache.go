package principal

import (
	"cmp"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

// MaxFactsAge is how long what is known of a user may be believed without looking again (T5). It bounds what is missed while
// Redis is away or when somebody else writes the table.
const MaxFactsAge = 10 * time.Second

// DefaultCacheBytes is what a cache may take where nothing else is said: enough for some 90,000 people and a token of each.
const DefaultCacheBytes = 128 << 20

// verified is what a token said when its signature was checked, and the answers that were made of it and of the facts then. Never
// changed once it is kept.
type verified struct {
	claims    token.Claims
	userID    uuid.UUID
	responses [ResponseKinds]Response // nil: not asked for yet
	reading   uint64                  // of the facts that they were made of; 0: none
}

// factsKey is whose facts: what revokes legacy sessions alone is read for their tokens alone, so the two kinds do not share an entry.
type factsKey struct {
	id   uuid.UUID
	kind token.Kind
}

var kinds = [...]token.Kind{token.KindFirebase, token.KindLegacy}

func (v *verified) factsKey() factsKey { return factsKey{id: v.userID, kind: factsKind(v.claims)} }

// factsKind says which facts decide about a session: one at Firebase that goes on from a legacy one ends with it (M9).
func factsKind(claims token.Claims) token.Kind {
	if claims.OfLegacySession() {
		return token.KindLegacy
	}
	return claims.Kind
}

// isOf says whether these facts are of the row that the token led to, and the row is still this token's: a Firebase account may
// have been linked elsewhere since.
func (v *verified) isOf(u user.User) bool { return u.ID == v.userID && isRowOf(v.claims, u) }

// isRowOf says whether a row belongs to a session.
func isRowOf(claims token.Claims, u user.User) bool {
	if claims.Kind == token.KindLegacy {
		return u.ID == claims.UserID
	}
	return u.FirebaseUID == claims.Subject
}

// known are the facts about a user, and when their reading began. Never changed once it is kept. Each has a number of its own: whoever
// has seen that before need not look at them again, and need not hold on to them.
type known struct {
	user    user.User
	readAt  time.Time
	reading uint64
}

// Cache keeps verified tokens and facts about users, in a bounded number of bytes: what is used least goes first. Safe for
// concurrent use.
type Cache struct {
	tokens *otter.Cache[tokenKey, *verified]
	people *otter.Cache[factsKey, *known]
	onUse  func(cache, result string)

	// filling orders fills against invalidations: a fill that began before an invalidation of its user is dropped (T5).
	filling       sync.Mutex
	invalidations uint64                     // how many there were
	readings      uint64                     // how many were kept
	recent        map[uuid.UUID]invalidation // the last one of each user since the last one of all
	everybody     invalidation               // the last one of all users

	now func() time.Time // when an invalidation was heard
}

// invalidation is the number of one, and when it was heard.
type invalidation struct {
	number uint64
	at     time.Time
}

// maxRecent bounds recent. When it is full, one invalidation of everybody stands for all of them.
const maxRecent = 50_000

// CacheOptions say how large a cache may grow and who hears of its use. The zero value is good.
type CacheOptions struct {
	// Bytes bounds what is kept, the cache's own structures included. 0: DefaultCacheBytes.
	Bytes uint64
	// OnUse hears of each look-up ("tokens" or "facts", "hit" or "miss"); for a metric, may be nil.
	OnUse func(cache, result string)
}

// NewCache makes an empty cache.
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

// token recalls what a token said, or nil; a token that has ended is forgotten (T6).
func (c *Cache) token(key tokenKey, now time.Time) *verified {
	v, ok := c.tokens.GetIfPresent(key)
	if ok && !now.Before(v.claims.ExpiresAt) {
		c.tokens.Invalidate(key)
		return nil
	}
	return v
}

func (c *Cache) keepToken(key tokenKey, v verified) { c.tokens.Set(key, &v) }

// facts recalls a user whose row was read less than MaxFactsAge ago, or nil.
func (c *Cache) facts(whose factsKey, now time.Time) *known {
	k, ok := c.people.GetIfPresent(whose)
	if !ok || now.Sub(k.readAt) >= MaxFactsAge {
		return nil
	}
	return k
}

// used tells what a request has found; it is told once a request. Without a token nobody knows whose facts to look for.
func (c *Cache) used(v *verified, facts *known) {
	c.onUse("tokens", outcome(v != nil))
	if v != nil {
		c.onUse("facts", outcome(facts != nil))
	}
}

// fill is one reading of a row: which invalidations it has seen, and when it began.
type fill struct {
	after  uint64
	readAt time.Time
}

// beginFill goes before the query whose answer keepFacts will keep.
func (c *Cache) beginFill(now time.Time) fill {
	c.filling.Lock()
	defer c.filling.Unlock()
	return fill{after: c.invalidations, readAt: now}
}

// generation changes with each invalidation.
func (c *Cache) generation() uint64 {
	c.filling.Lock()
	defer c.filling.Unlock()
	return c.invalidations
}

// keepFacts keeps what a query for a token of this kind said, unless an invalidation of this user has overtaken the query.
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

// unchangedSince says that no invalidation of this user was heard since an instant: what was read then may be believed.
func (c *Cache) unchangedSince(id uuid.UUID, instant time.Time) bool {
	c.filling.Lock()
	defer c.filling.Unlock()
	return c.everybody.at.Before(instant) && c.recent[id].at.Before(instant)
}

// forget drops the facts about one user, and those fills of theirs that are under way.
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
	for _, kind := range kinds {
		c.people.Invalidate(factsKey{id: id, kind: kind})
	}
}

// forgetAll drops all facts, and every fill that is under way. What tokens said stays: it cannot change.
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
