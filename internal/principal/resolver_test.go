package principal

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

// script controls the order of events. A nil function must not be called.
type script struct {
	t          *testing.T
	verify     func() (token.Claims, error)
	firstSight func(ctx context.Context) (user.User, error)
	byID       func(ctx context.Context) (user.User, error)
	byLegacyID func(id uuid.UUID) (user.User, error)

	verified, sights, reads, legacyReads atomic.Int32
}

func (s *script) Verify(context.Context, string) (token.Claims, error) {
	s.verified.Add(1)
	return s.verify()
}

func (s *script) FirstSight(ctx context.Context, _ token.Claims) (user.User, error) {
	s.sights.Add(1)
	return s.firstSight(ctx)
}

func (s *script) ByID(ctx context.Context, _ uuid.UUID) (user.User, error) {
	s.reads.Add(1)
	if s.byID == nil {
		s.t.Error("ByID was asked")
		return user.User{}, user.ErrNotFound
	}
	return s.byID(ctx)
}

func (s *script) ByLegacyID(_ context.Context, id uuid.UUID) (user.User, error) {
	s.legacyReads.Add(1)
	if s.byLegacyID == nil {
		s.t.Error("ByLegacyID was asked")
		return user.User{}, user.ErrNotFound
	}
	return s.byLegacyID(id)
}

func (s *script) Seen(user.User) {}

type clock struct{ nanos atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()) }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

type scene struct {
	*script
	time     clock
	resolver *Resolver
	person   user.User
	claims   token.Claims
}

func newScene(t *testing.T) *scene {
	s := &scene{script: &script{t: t}}
	s.time.nanos.Store(time.Now().UnixNano())
	s.person = user.User{ID: uuid.New(), FirebaseUID: "subject", IsActive: true}
	s.claims = token.Claims{Kind: token.KindFirebase, Subject: "subject", AuthTime: s.time.now(), ExpiresAt: s.time.now().Add(time.Hour)}
	s.verify = func() (token.Claims, error) { return s.claims, nil }
	s.firstSight = func(context.Context) (user.User, error) { return s.person, nil }
	s.resolver = NewResolver(Options{Verifier: s.script, Users: s.script, Cache: NewCache(CacheOptions{}), Clock: s.time.now})
	return s
}

func (s *scene) expect(what string, want error) {
	s.t.Helper()
	if _, err := s.resolver.Resolve(context.Background(), "the token"); !errors.Is(err, want) {
		s.t.Errorf("%s: answered %v, expected %v", what, err, want)
	}
}

func TestResolve_WarmAsksNobody(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for range 10 {
		s.expect("E1", nil)
	}
	if v, f, r := s.verified.Load(), s.sights.Load(), s.reads.Load(); v != 1 || f != 1 || r != 0 {
		t.Errorf("E1: 10 times the same token verified %d, looked %d, read %d, expected 1, 1, 0", v, f, r)
	}
}

func TestResolve_LegacyTokenIsLookedUpByID_F1(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.expect("with a Firebase token first", nil)
	ended := uuid.New()
	s.byLegacyID = func(id uuid.UUID) (user.User, error) {
		if id != s.person.ID {
			t.Errorf("F1: asked for %s, expected the token's id %s", id, s.person.ID)
		}
		u := s.person
		u.EndedSessions = []uuid.UUID{ended}
		return u, nil
	}
	legacy := token.Claims{Kind: token.KindLegacy, UserID: s.person.ID, AuthTime: s.time.now(), ExpiresAt: s.time.now().Add(time.Hour)}
	for what, want := range map[string]error{"a living session's": nil, "an ended session's": user.ErrRevoked} {
		s.verify = func() (token.Claims, error) {
			claims := legacy
			if want != nil {
				claims.SessionID = ended
			}
			return claims, nil
		}
		for range 3 {
			if _, err := s.resolver.Resolve(t.Context(), what); !errors.Is(err, want) {
				t.Errorf("%s token answered %v, expected %v", what, err, want)
			}
		}
	}
	if n := s.sights.Load(); n != 1 {
		t.Errorf("F1: %d look-ups by Firebase's uid, expected the Firebase token's own", n)
	}
	if n := s.legacyReads.Load(); n != 2 {
		t.Errorf("E1: %d look-ups by id, expected one a token", n)
	}
}

func TestResolve_RememberedTokenEnds(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.claims.ExpiresAt = s.time.now().Add(5 * time.Second)
	s.expect("before its end", nil)
	s.verify = func() (token.Claims, error) { return token.Claims{}, token.ErrExpired }
	s.time.advance(5*time.Second - 1)
	s.expect("T6: just before its end", nil)
	s.time.advance(1)
	s.expect("T6: at its end", token.ErrExpired)
}

func TestResolve_OldFactsAreReadAgain(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.expect("first", nil)
	s.byID = func(context.Context) (user.User, error) {
		gone := s.person
		gone.IsActive = false
		return gone, nil
	}
	s.time.advance(MaxFactsAge - 1)
	s.expect("T5: facts just under 10 s", nil)
	s.time.advance(1)
	s.expect("T5: facts of 10 s", user.ErrDeactivated)
	if s.verified.Load() != 1 || s.reads.Load() != 1 {
		t.Errorf("verified %d and read %d times, expected 1 and 1", s.verified.Load(), s.reads.Load())
	}
}

// F7, F10: the full look-up decides.
func TestResolve_RowBehindARememberedTokenChangedHands(t *testing.T) {
	t.Parallel()
	for name, byID := range map[string]func(s *scene) (user.User, error){
		"deleted":  func(*scene) (user.User, error) { return user.User{}, user.ErrNotFound },
		"relinked": func(s *scene) (user.User, error) { u := s.person; u.FirebaseUID = "another"; return u, nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.expect("first", nil)
			s.byID = func(context.Context) (user.User, error) { return byID(s) }
			s.firstSight = func(context.Context) (user.User, error) { return user.User{}, user.ErrRevoked }
			s.resolver.cache.forget(s.person.ID)
			s.expect(name, user.ErrRevoked)
			// These facts must not serve the old token.
			other := s.person
			other.FirebaseUID = "another"
			s.resolver.cache.keepFacts(s.resolver.cache.beginFill(s.time.now()), token.KindFirebase, other)
			s.expect(name+", facts of the new owner", user.ErrRevoked)
		})
	}
}

// F5: a mended account is admitted at once.
func TestResolve_RefusalsAreNotCached(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	for _, refusal := range []error{
		user.ErrUnsupportedIdentity, user.ErrLinkRequired, user.ErrIdentityConflict, fault.Unavailable("away", nil),
	} {
		s.firstSight = func(context.Context) (user.User, error) { return user.User{}, refusal }
		s.expect("refused", refusal)
	}
	s.firstSight = func(context.Context) (user.User, error) { return s.person, nil }
	s.expect("mended", nil)
}

// The first look-up is held until the end.
func TestResolve_JoinerAfterAnInvalidationLooksAgain(t *testing.T) {
	t.Parallel()
	for range 200 {
		s := newScene(t)
		reading, release := make(chan struct{}), make(chan struct{})
		old := s.person
		s.firstSight = func(context.Context) (user.User, error) {
			close(reading)
			<-release
			return old, nil
		}
		first := make(chan error, 1)
		go func() {
			_, err := s.resolver.Resolve(context.Background(), "the token")
			first <- err
		}()
		<-reading
		revoked := s.person
		revoked.TokensValidAfter = s.time.now().Add(time.Second)
		s.firstSight = func(context.Context) (user.User, error) { return revoked, nil }
		s.byID = func(context.Context) (user.User, error) { return revoked, nil }
		s.resolver.cache.forget(s.person.ID)

		s.expect("T5: after the invalidation, the old look-up still under way", user.ErrRevoked)
		close(release)
		if err := <-first; err != nil {
			t.Errorf("the look-up from before the invalidation: %v", err)
		}
		s.expect("T5: after the old look-up has come back", user.ErrRevoked)
		if t.Failed() {
			return
		}
	}
}

func TestResolve_OneLookUpServesAllWhoWait(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	reading, release := make(chan struct{}), make(chan struct{})
	s.firstSight = func(ctx context.Context) (user.User, error) {
		close(reading)
		<-release
		return s.person, ctx.Err()
	}
	s.byID = func(context.Context) (user.User, error) { return s.person, nil }
	ctx, hangUp := context.WithCancel(context.Background())
	gone := make(chan error, 1)
	go func() {
		_, err := s.resolver.Resolve(ctx, "the token")
		gone <- err
	}()
	<-reading
	hangUp()
	var waiting, begun sync.WaitGroup
	for range 50 {
		begun.Add(1)
		waiting.Go(func() {
			begun.Done()
			s.expect("who waits", nil)
		})
	}
	begun.Wait()
	close(release)
	waiting.Wait()
	if err := <-gone; err != nil {
		t.Errorf("who hung up and was answered all the same was answered %v", err)
	}
	if n := s.sights.Load(); n != 1 {
		t.Errorf("%d first sights, expected 1", n)
	}
}

func TestResolve_AnswersInTimeWhateverHangs(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.firstSight = func(ctx context.Context) (user.User, error) {
		<-ctx.Done()
		return user.User{}, ctx.Err()
	}
	began := time.Now()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { s.expect("O3", errTooSlow) })
	}
	all.Wait()
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("O3: answered after %s", took)
	}
}
