package principal

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/token"
	"auth-v2-service/internal/user"
)

type words string

func (w words) Size() int { return len(w) }

func recalling(t *testing.T) (s *scene, made *int) {
	s, made = newScene(t), new(int)
	s.resolver.render = func(form ResponseKind, p Principal) Response {
		*made++
		return words(strconv.Itoa(int(form)) + ":" + strconv.Itoa(int(p.User.TokenBalance)))
	}
	return s, made
}

func (s *scene) cached(form ResponseKind) string {
	if answer, ok := s.resolver.CachedResponse([]byte("the token"), form); ok {
		return string(answer.(words))
	}
	return "nothing"
}

func TestCachedResponse_IsMadeOnceOfTheFactsThatAreGood_E1(t *testing.T) {
	t.Parallel()
	s, made := recalling(t)
	if got := s.cached(0); got != "nothing" {
		t.Errorf("a token that nobody has seen is answered with %q", got)
	}
	s.expect("seen for the first time", nil)
	for range 3 {
		if a, b := s.cached(0), s.cached(1); a != "0:0" || b != "1:0" {
			t.Errorf("E1: answered %q and %q, expected 0:0 and 1:0", a, b)
		}
	}
	if *made != 2 || s.sights.Load() != 1 || s.verified.Load() != 1 || s.reads.Load() != 0 {
		t.Errorf("E1: %d answers were made, %d rows and %d signatures looked at; expected 2, 1, 1", *made, s.sights.Load(), s.verified.Load())
	}
	s.person.TokenBalance = 7
	s.byID = func(context.Context) (user.User, error) { return s.person, nil }
	s.resolver.cache.forget(s.person.ID)
	if got := s.cached(0); got != "nothing" {
		t.Errorf("T5: after an invalidation answered %q", got)
	}
	s.expect("looked at again", nil)
	if a, b := s.cached(0), s.cached(1); a != "0:7" || b != "1:7" {
		t.Errorf("T5: answered %q and %q, expected what was read last", a, b)
	}
}

func TestCachedResponse_EndsWithWhatItWasMadeOf_T5(t *testing.T) {
	t.Parallel()
	for what, end := range map[string]func(s *scene){
		"T5: facts of 10 s":          func(s *scene) { s.time.advance(MaxFactsAge) },
		"T5: the user was forgotten": func(s *scene) { s.resolver.cache.forget(s.person.ID) },
		"T5: everybody was":          func(s *scene) { s.resolver.cache.forgetAll() },
		"T6: the token's end":        func(s *scene) { s.time.advance(time.Hour) },
		"F9: deactivated, as another token has read": func(s *scene) {
			s.person.IsActive = false
			s.resolver.cache.keepFacts(s.resolver.cache.beginFill(s.time.now()), token.KindFirebase, s.person)
		},
		"T4: revoked, as another token has read": func(s *scene) {
			s.person.TokensValidAfter = s.claims.AuthTime.Add(time.Second)
			s.resolver.cache.keepFacts(s.resolver.cache.beginFill(s.time.now()), token.KindFirebase, s.person)
		},
		"F7: another account's row by now": func(s *scene) {
			s.person.FirebaseUID = "another subject"
			s.resolver.cache.keepFacts(s.resolver.cache.beginFill(s.time.now()), token.KindFirebase, s.person)
		},
	} {
		s, _ := recalling(t)
		s.expect(what, nil)
		if got := s.cached(0); got != "0:0" {
			t.Errorf("%s: before it answered %q", what, got)
		}
		end(s)
		if got := s.cached(0); got != "nothing" {
			t.Errorf("%s: after it answered %q", what, got)
		}
	}
}

// M9: an ended legacy session has no answer.
func TestCachedResponse_EndedSessionOfALegacyToken_T4(t *testing.T) {
	t.Parallel()
	s, _ := recalling(t)
	s.claims = token.Claims{
		Kind: token.KindLegacy, UserID: s.person.ID, SessionID: uuid.New(), AuthTime: s.time.now(), ExpiresAt: s.time.now().Add(time.Hour),
	}
	s.byLegacyID = func(uuid.UUID) (user.User, error) { return s.person, nil }
	s.expect("a living session", nil)
	if got := s.cached(0); got != "0:0" {
		t.Errorf("a living session is answered %q", got)
	}
	s.person.EndedSessions = []uuid.UUID{s.claims.SessionID}
	s.resolver.cache.keepFacts(s.resolver.cache.beginFill(s.time.now()), token.KindLegacy, s.person)
	if got := s.cached(0); got != "nothing" {
		t.Errorf("T4: an ended session is answered %q", got)
	}
}

func TestCachedResponse_WithoutAnAnswer(t *testing.T) {
	t.Parallel()
	s, _ := recalling(t)
	s.expect("seen", nil)
	s.resolver.render = func(ResponseKind, Principal) Response { return nil }
	if got := s.cached(0); got != "nothing" {
		t.Errorf("answered %q, expected nothing", got)
	}
	s.resolver.render = nil
	if got := s.cached(0); got != "nothing" {
		t.Errorf("answered %q, expected nothing", got)
	}
}
