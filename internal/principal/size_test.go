package principal

import (
	"encoding/binary"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func (c *Cache) fill(n int) {
	end := time.Now().Add(time.Hour)
	for i := range n {
		var key tokenKey
		binary.LittleEndian.PutUint64(key[:], uint64(i))
		u := user.User{
			ID: uuid.New(), FirebaseUID: strings.Clone("28 characters, as Firebase's"), Email: strings.Clone("somebody@example.test"),
			Username: strings.Clone("Some Body"), Type: "user", AuthProvider: "firebase", FederationStatus: "active", LastLogin: new(end),
			CreatedAt: new(end), UpdatedAt: new(end),
		}
		c.keepFacts(c.beginFill(end), token.KindFirebase, u)
		c.keepToken(key, verified{
			claims: token.Claims{Kind: token.KindFirebase, Subject: u.FirebaseUID, ExpiresAt: end}, userID: u.ID,
			responses: [ResponseKinds]Response{words(strings.Repeat("x", 500))},
		})
	}
}

func TestCache_WeighsWhatItTakes(t *testing.T) {
	const people = 20_000
	before := heap()
	c := NewCache(CacheOptions{Bytes: 1 << 30})
	c.fill(people)
	c.tokens.CleanUp()
	c.people.CleanUp()
	took, says := heap()-before, int64(c.tokens.WeightedSize()+c.people.WeightedSize())
	runtime.KeepAlive(c)
	t.Logf("%d bytes a person, said to be %d: 128 MiB hold %d people with a token each", took/people, says/people, DefaultCacheBytes/(says/people))
	if took > says*6/5 || took < says*4/5 {
		t.Errorf("%d people take %d bytes, said to be %d", people, took, says)
	}
}

func TestCache_FloodIsBounded(t *testing.T) {
	const limit = 8 << 20
	before := heap()
	c := NewCache(CacheOptions{Bytes: limit})
	c.fill(100_000)
	c.tokens.CleanUp()
	c.people.CleanUp()
	took := heap() - before
	runtime.KeepAlive(c)
	if took > limit*6/5 {
		t.Errorf("a cache of %d bytes took %d in a flood", limit, took)
	}
	if kept := c.tokens.EstimatedSize(); kept < 1000 {
		t.Errorf("%d tokens were kept, expected those that there is room for", kept)
	}
}

func TestCache_AnswersHoldNoFacts(t *testing.T) {
	const tokens, ended = 500, 2_000
	s, _ := recalling(t)
	s.claims = token.Claims{
		Kind: token.KindLegacy, UserID: s.person.ID, SessionID: uuid.New(), AuthTime: s.time.now(), ExpiresAt: s.time.now().Add(time.Hour),
	}
	s.byLegacyID = func(uuid.UUID) (user.User, error) {
		u := s.person
		u.EndedSessions = make([]uuid.UUID, ended)
		return u, nil
	}
	before := heap()
	for i := range tokens {
		compact := strconv.Itoa(i)
		if _, err := s.resolver.Resolve(t.Context(), compact); err != nil {
			t.Fatal(err)
		}
		if _, ok := s.resolver.CachedResponse([]byte(compact), 0); !ok {
			t.Fatal("no answer is kept")
		}
		s.resolver.cache.forget(s.person.ID)
	}
	took := heap() - before
	runtime.KeepAlive(s)
	if most := int64(tokens * 4 << 10); took > most {
		t.Errorf("%d answers of as many readings take %d bytes, expected at most %d", tokens, took, most)
	}
}

// BenchmarkCache_Flood measures an unknown token's cost to a full cache.
//
//	go test ./internal/principal -run '^$' -bench Flood -benchtime 1000000x
func BenchmarkCache_Flood(b *testing.B) {
	c := NewCache(CacheOptions{Bytes: 8 << 20})
	c.fill(20_000)
	end := time.Now().Add(time.Hour)
	var longest time.Duration
	var serial uint64
	b.ReportAllocs()
	for b.Loop() {
		var key tokenKey
		serial++
		binary.LittleEndian.PutUint64(key[8:], serial)
		began := time.Now()
		c.keepToken(key, verified{claims: token.Claims{Kind: token.KindFirebase, ExpiresAt: end}})
		longest = max(longest, time.Since(began))
	}
	b.ReportMetric(float64(longest.Microseconds()), "longest-us")
}
