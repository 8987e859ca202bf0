package user

import (
	"testing"

	"auth-v2-service/internal/batch"
	"auth-v2-service/internal/pg"
	"auth-v2-service/internal/token"
)

func TestMissRate_AreExpectedAfterNearlyOnlySuch(t *testing.T) {
	t.Parallel()
	var n missRate
	come := func(times int, sight Sight) {
		for range times {
			n.record(sight)
		}
	}
	come(highMissRate-1, SightCreated)
	if n.high() {
		t.Error("after too few")
	}
	come(1, SightLinked)
	if !n.high() {
		t.Error("not after enough")
	}
	come(64-highMissRate, SightKnown)
	if !n.high() {
		t.Error("not after few who are known")
	}
	come(1, SightKnown)
	if n.high() {
		t.Error("after one more who is known")
	}
	come(64, SightCreated)
	n.reset()
	if n.high() {
		t.Error("after all was forgotten")
	}
}

func TestFirstSight_NewcomersAreNotLookedForFirst(t *testing.T) {
	t.Parallel()
	p := newScene(t, 1, 6)
	p.newcomers = true
	sessions := times(60, func() token.Claims { return session(newUID(), newEmail()) })
	expectEachTheirs(t, sessions, p.meetTogether(sessions...))
	if n := p.number("auth.users"); n != 60 {
		t.Errorf("there are %d rows, expected 60", n)
	}
	ran, _ := p.statements.since()
	if ran["UsersByFirebaseUIDs"] != 0 || ran["FirstSights"] == 0 || ran["FirstSights"]+ran["FirstSight"] > 5 {
		t.Errorf("60 first sights ran %v, expected few statements and no look", ran)
	}
}

func TestFirstSight_WhoIsKnownAmongNewcomersIsLookedForAfterwards(t *testing.T) {
	t.Parallel()
	p := newScene(t, 1, 6)
	known := p.meetTogether(times(60, func() token.Claims { return session(newUID(), newEmail()) })...)
	_, _ = p.statements.since()
	p.newcomers = true
	for _, number := range []int{2, 60} {
		sessions := sessionsOf(known[:number])
		for range 62 - number {
			sessions = append(sessions, session(newUID(), newEmail()))
		}
		all := p.meetTogether(sessions...)
		expectEachTheirs(t, sessions, all)
		for i, a := range all[:number] {
			if a.user.ID != known[i].user.ID {
				t.Errorf("%d known: number %d was answered %s, expected %s", number, i, a.user.ID, known[i].user.ID)
			}
		}
		if ran, _ := p.statements.since(); ran["FirstSights"] == 0 || ran["FirstSights"]+ran["UsersByFirebaseUIDs"]+ran["FirstSight"] > 10 {
			t.Errorf("%d known among 62 ran %v, expected them to share statements", number, ran)
		}
	}
	if n := p.number("auth.users"); n != 122 {
		t.Errorf("there are %d rows, expected 122", n)
	}
}

func expectEachTheirs(t *testing.T, sessions []token.Claims, all []*asker) {
	t.Helper()
	for i, a := range all {
		if a.err != nil || a.user.FirebaseUID != sessions[i].Subject {
			t.Errorf("number %d was answered %+v, %v, expected %s", i, a.user, a.err, sessions[i].Subject)
		}
	}
}

func TestFirstSight_NotesWhetherSomebodyWasNew(t *testing.T) {
	t.Parallel()
	p := newScene(t, 1, 6)
	s := p.stores[0]
	come := func(c token.Claims) {
		if _, err := s.FirstSight(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	known := session(newUID(), newEmail())
	for range highMissRate {
		come(session(newUID(), newEmail()))
	}
	if come(known); !s.misses.high() {
		t.Error("nobody new is expected after only such")
	}
	for range 64 - highMissRate + 1 {
		come(known)
	}
	if s.misses.high() {
		t.Error("somebody new is expected after several who were known")
	}
}

func TestFirstSight_AKnownNewcomerIsLetInWhereNoRowCanBeMade(t *testing.T) {
	t.Parallel()
	p := newScene(t, 1, 6)
	s := p.stores[0]
	known := p.meetTogether(times(20, func() token.Claims { return session(newUID(), newEmail()) })...)
	s.batches.create = batch.New(batchOptions(s.createMany, s.createOne, isolateMembers)) // with the production timeout
	makers := p.hold(holdMakers)
	defer func() { _ = makers.Rollback(t.Context()) }()
	s.misses.last.Store(^uint64(0))
	strangers := crowd(p, (*Store).FirstSight, times(20, func() token.Claims { return session(newUID(), newEmail()) })...)
	p.gathered(strangers, 1)
	again := crowd(p, (*Store).FirstSight, sessionsOf(known)...)
	p.finish(again)
	for i, a := range again {
		if a.err != nil || a.user.ID != known[i].user.ID {
			t.Errorf("number %d was answered %+v, %v, expected %s", i, a.user, a.err, known[i].user.ID)
		}
	}
	if s.misses.high() {
		t.Error("newcomers are expected still")
	}
}

func TestFirstSight_NobodyIsTakenForNewWhereARowIsInTheWay(t *testing.T) {
	t.Parallel()
	p := newScene(t, 1, 6)
	s := p.stores[0]
	known := p.meetTogether(session(newUID(), newEmail()))[0]
	tx := p.hold("UPDATE auth.users SET email = 'under-way@example.com' WHERE id = $1", known.user.ID)
	defer func() { _ = tx.Rollback(t.Context()) }()
	s.misses.last.Store(^uint64(0))
	_, err := s.createMany(t.Context(), []identity{
		{uid: newUID(), email: "under-way@example.com", providerData: []byte("{}")}, {uid: newUID(), email: newEmail(), providerData: []byte("{}")},
	})
	if !pg.Blocked(err) || s.misses.high() {
		t.Errorf("a group that is held up ended with %v and newcomers expected: %v", err, s.misses.high())
	}
}

func TestFirstSight_WhoCannotHaveARowSharesTheLook_F5(t *testing.T) {
	t.Parallel()
	for _, newcomers := range []bool{false, true} {
		p := newScene(t, 1, 6)
		readers := p.hold(holdReaders)
		if newcomers {
			p.stores[0].misses.last.Store(^uint64(0))
		}
		all := crowd(p, (*Store).FirstSight, times(40, func() token.Claims {
			c := session(newUID(), "")
			c.Identities = nil
			return c
		})...)
		p.gathered(all, 1)
		if err := readers.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.finish(all)
		expectRefusal(t, all, ErrUnsupportedIdentity)
		ran, _ := p.statements.since()
		if n := ran["UsersByFirebaseUIDs"] + ran["UserByFirebaseUID"]; n > 5 {
			t.Errorf("40 anonymous tokens ran %v, expected them to share statements", ran)
		}
	}
}

func sessionsOf(all []*asker) (sessions []token.Claims) {
	for _, a := range all {
		sessions = append(sessions, session(a.user.FirebaseUID, a.user.Email))
	}
	return sessions
}
