package user

import (
	"errors"
	"slices"
	"testing"

	"auth-v2-service/internal/token"
)

func TestNewcomers_AreExpectedAfterNearlyOnlySuch(t *testing.T) {
	t.Parallel()
	var n newcomers
	come := func(times int, sight Sight, err error) {
		for range times {
			n.met(sight, err)
		}
	}
	come(newcomersExpected-1, SightCreated, nil)
	if n.expected() {
		t.Error("after too few")
	}
	come(1, SightLinked, nil)
	if !n.expected() {
		t.Error("not after enough")
	}
	come(64-newcomersExpected, SightKnown, nil)
	if !n.expected() {
		t.Error("not after few who are known")
	}
	come(1, SightKnown, nil)
	if n.expected() {
		t.Error("after one more who is known")
	}
	come(64, SightCreated, nil)
	come(1, "", errors.New("no row can be made"))
	if n.expected() {
		t.Error("after a failure")
	}
}

// Where nearly everybody is new nobody is looked for first, and who is known among them gets their own row all the same.
func TestFirstSight_NewcomersAreNotLookedForFirst(t *testing.T) {
	t.Parallel()
	p := newScene(t, 1, 6)
	known := p.meetTogether(session(newUID(), newEmail()), session(newUID(), newEmail()))
	_, _ = p.statements.since()
	p.newcomers = true
	sessions := times(58, func() token.Claims { return session(newUID(), newEmail()) })
	for i, a := range known {
		sessions = slices.Insert(sessions, 20*(i+1), session(a.user.FirebaseUID, a.user.Email))
	}
	all := p.meetTogether(sessions...)
	for i, a := range all {
		if a.err != nil || a.user.FirebaseUID != sessions[i].Subject {
			t.Errorf("number %d was answered %+v, %v, expected %s", i, a.user, a.err, sessions[i].Subject)
		}
	}
	if a, b := all[20], all[40]; a.user.ID != known[0].user.ID || b.user.ID != known[1].user.ID {
		t.Errorf("who was known was answered %s and %s, expected %s and %s", a.user.ID, b.user.ID, known[0].user.ID, known[1].user.ID)
	}
	if n := p.number("auth.users"); n != 60 {
		t.Errorf("there are %d rows, expected 60", n)
	}
	ran, _ := p.statements.since()
	if ran["UsersByFirebaseUIDs"] != 0 || ran["FirstSights"] == 0 || ran["FirstSights"]+ran["FirstSight"] > 10 {
		t.Errorf("60 first sights ran %v, expected few statements and no look", ran)
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
	for range newcomersExpected {
		come(session(newUID(), newEmail()))
	}
	if come(known); !s.newcomers.expected() {
		t.Error("nobody new is expected after only such")
	}
	for range 64 - newcomersExpected + 1 {
		come(known)
	}
	if s.newcomers.expected() {
		t.Error("somebody new is expected after several who were known")
	}
}
