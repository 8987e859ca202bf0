package user

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/token"
)

type rule struct {
	sessions []token.Claims
	made     int
	check    func(t *testing.T, p *scene, all []*asker)
}

// F1 to F7, F10.
var raceTable = map[string]func(p *scene) rule{
	"F1: one uid, however many tokens, is one row": func(*scene) rule {
		uid, email := newUID(), newEmail()
		return rule{
			sessions: times(40, func() token.Claims { return session(uid, email, withName("One "+uid)) }), made: 1,
			check: func(t *testing.T, p *scene, all []*asker) {
				expectRow(t, p, all, "firebase_uid = $1 AND email = $2", uid, email)
			},
		}
	},
	"F1: people who have nothing in common": func(*scene) rule {
		var sessions []token.Claims
		for range 60 {
			uid := newUID()
			sessions = append(sessions, session(uid, uid+"@example.com", withName("Person "+uid)))
		}
		return rule{sessions: sessions, made: 60, check: func(t *testing.T, _ *scene, all []*asker) {
			for i, a := range all {
				want := sessions[i]
				if a.err != nil || a.user.FirebaseUID != want.Subject || a.user.Email != want.Email || a.user.Username != want.Name {
					t.Errorf("%s was answered %+v, %v", want.Subject, a.user, a.err)
				}
			}
		}}
	},
	"F1: people who are known": func(p *scene) rule {
		var sessions []token.Claims
		for range 10 {
			uid := newUID()
			p.exec("INSERT INTO auth.users (firebase_uid, auth_provider, email) VALUES ($1, 'firebase', $2)", uid, uid+"@example.com")
			sessions = append(sessions, session(uid, "another."+uid+"@example.com"))
		}
		return rule{sessions: sessions, check: func(t *testing.T, _ *scene, all []*asker) {
			for i, a := range all {
				if uid := sessions[i].Subject; a.err != nil || a.user.FirebaseUID != uid || a.user.Email != uid+"@example.com" {
					t.Errorf("%s was answered %+v, %v, expected the row as it is", uid, a.user, a.err)
				}
			}
		}}
	},
	"F2, F5, F6: of whom no row can be made": func(p *scene) rule {
		known := newUID()
		p.exec("INSERT INTO auth.users (firebase_uid, auth_provider, email) VALUES ($1, 'firebase', $2)", known, known+"@example.com")
		anonymous := func(c *token.Claims) { c.Identities = nil }
		return rule{
			sessions: []token.Claims{
				session(newUID(), "", anonymous), session("too short", newEmail()), session(newUID(), "käthe@example.com"), session(known, "", anonymous),
			},
			check: func(t *testing.T, _ *scene, all []*asker) {
				for _, a := range all[:3] {
					if !errors.Is(a.err, ErrUnsupportedIdentity) {
						t.Errorf("answered %+v, %v, expected unsupported_identity", a.user, a.err)
					}
				}
				if all[3].err != nil || all[3].user.FirebaseUID != known {
					t.Errorf("who is known was answered %+v, %v", all[3].user, all[3].err)
				}
			},
		}
	},
	"F3: a proven address links one row once": func(p *scene) rule {
		id, uid, email := uuid.New(), newUID(), newEmail()
		p.exec("INSERT INTO auth.users (id, email, password_hash, token_balance) VALUES ($1, $2, 'x', 7)", id, email)
		return rule{
			sessions: times(20, func() token.Claims { return session(uid, email) }),
			check: func(t *testing.T, p *scene, all []*asker) {
				expectRow(t, p, all, "id = $1 AND firebase_uid = $2 AND auth_provider = 'hybrid' AND token_balance = 7", id, uid)
				if n := p.number("auth.audit_events WHERE user_id = $1 AND action = 'user.linked'", id); n != 1 {
					t.Errorf("%d links were recorded, expected 1", n)
				}
			},
		}
	},
	"F3: an address that is not proven, or is an admin's, links nothing": func(p *scene) rule {
		var sessions []token.Claims
		for _, kind := range []string{"user", "admin"} {
			email := newEmail()
			p.exec("INSERT INTO auth.users (email, password_hash, user_type) VALUES ($1, 'x', $2)", email, kind)
			for range 5 {
				sessions = append(sessions, session(newUID(), email, func(c *token.Claims) { c.EmailVerified = kind == "admin" }))
			}
		}
		return rule{sessions: sessions, check: func(t *testing.T, p *scene, all []*asker) {
			expectRefusal(t, all, ErrLinkRequired)
			for _, c := range []token.Claims{sessions[0], sessions[9]} {
				if n := p.number("auth.users WHERE email = $1 AND firebase_uid IS NULL AND auth_provider = 'local'", c.Email); n != 1 {
					t.Errorf("the local row of %s has changed", c.Email)
				}
			}
		}}
	},
	"F4: a hundred namesakes have a hundred names": func(*scene) rule {
		name := "Jane " + newUID()
		return rule{
			sessions: times(100, func() token.Claims { return session(newUID(), newEmail(), withName(name)) }), made: 100,
			check: func(t *testing.T, _ *scene, all []*asker) {
				names := map[string]bool{}
				for _, a := range all {
					if a.err != nil || !strings.HasPrefix(a.user.Username, name) {
						t.Errorf("answered %+v, %v", a.user, a.err)
					}
					names[a.user.Username] = true
				}
				if len(names) != 100 || !names[name] {
					t.Errorf("%d names (one of them without a suffix: %t), expected 100", len(names), names[name])
				}
			},
		}
	},
	"F4: a name that a row has already": func(p *scene) rule {
		name := "John " + newUID()
		p.exec("INSERT INTO auth.users (email, password_hash, username) VALUES ($1, 'x', $2)", newEmail(), name)
		return rule{
			sessions: times(5, func() token.Claims { return session(newUID(), newEmail(), withName(name)) }), made: 5,
			check: func(t *testing.T, _ *scene, all []*asker) {
				for _, a := range all {
					if a.err != nil || !strings.HasPrefix(a.user.Username, name+"-") {
						t.Errorf("answered %+v, %v, expected the name with a suffix", a.user, a.err)
					}
				}
			},
		}
	},
	"F5: people without an e-mail": func(*scene) rule {
		return rule{
			sessions: times(10, func() token.Claims {
				return session(newUID(), "", func(c *token.Claims) { c.Phone, c.SignInProvider = "+4917012345", "phone" })
			}), made: 10,
			check: func(t *testing.T, p *scene, all []*asker) {
				for _, a := range all {
					if a.err != nil || a.user.Email != "" || a.user.Username != "" {
						t.Errorf("answered %+v, %v, expected neither e-mail nor name", a.user, a.err)
						continue
					}
					if n := p.number("auth.users WHERE id = $1 AND email = id || '@users.noreply.invalid' AND username IS NULL", a.user.ID); n != 1 {
						t.Errorf("the row of %s has another address than its id's", a.user.ID)
					}
				}
			},
		}
	},
	"F7: two uids claim one address, and Firebase gives it to both": func(p *scene) rule {
		email, one, other := newEmail(), newUID(), newUID()
		p.firebase.has(one, email)
		p.firebase.has(other, email)
		n := 0
		return rule{
			sessions: times(20, func() token.Claims { n++; return session([]string{one, other}[n%2], email) }), made: 1,
			check: func(t *testing.T, p *scene, all []*asker) {
				winner := other
				if p.number("auth.users WHERE firebase_uid = $1", one) == 1 {
					winner = one
				}
				if n := p.number("auth.users WHERE email = $1 AND firebase_uid = $2", email, winner); n != 1 {
					t.Errorf("%d rows have the address, expected one", n)
				}
				won := 0
				for _, a := range all {
					switch {
					case a.err == nil && a.user.FirebaseUID == winner:
						won++
					case !errors.Is(a.err, ErrIdentityConflict):
						t.Errorf("answered %+v, %v, expected the winner's row or identity_conflict", a.user, a.err)
					}
				}
				if won != 10 {
					t.Errorf("%d were let in, expected the winner's 10", won)
				}
			},
		}
	},
	"F7: the holder's address has changed at Firebase": func(p *scene) rule {
		email, moved, holder, uid := newEmail(), newEmail(), newUID(), newUID()
		p.exec("INSERT INTO auth.users (firebase_uid, auth_provider, email) VALUES ($1, 'firebase', $2)", holder, email)
		p.firebase.has(holder, moved)
		return rule{
			sessions: times(10, func() token.Claims { return session(uid, email) }), made: 1,
			check: func(t *testing.T, p *scene, all []*asker) {
				expectRow(t, p, all, "firebase_uid = $1 AND email = $2", uid, email)
				if n := p.number("auth.users WHERE firebase_uid = $1 AND email = $2", holder, moved); n != 1 {
					t.Error("the former holder's new address is not written down")
				}
			},
		}
	},
	"F7: the holder's account is gone": func(p *scene) rule {
		email, holder, uid := newEmail(), newUID(), newUID()
		p.exec("INSERT INTO auth.users (firebase_uid, auth_provider, email) VALUES ($1, 'firebase', $2)", holder, email)
		return rule{
			sessions: times(10, func() token.Claims { return session(uid, email) }),
			check: func(t *testing.T, p *scene, all []*asker) {
				expectRow(t, p, all, "firebase_uid = $1 AND email = $2", uid, email)
				if n := p.number("auth.users WHERE firebase_uid = $1", holder); n != 0 {
					t.Error("the gone account has a row still")
				}
			},
		}
	},
	"F10: a session from before a deletion is over, and makes no row": func(p *scene) rule {
		uid := newUID()
		p.exec("INSERT INTO auth.tombstones (user_id, firebase_uid, deleted_at) VALUES (gen_random_uuid(), $1, now())", uid)
		p.exec("INSERT INTO auth.tombstones (user_id, firebase_uid, deleted_at) VALUES (gen_random_uuid(), $1, now() - interval '1 year')", uid)
		return rule{
			sessions: times(10, func() token.Claims { return session(uid, newEmail()) }),
			check: func(t *testing.T, p *scene, all []*asker) {
				expectRefusal(t, all, ErrRevoked)
				if n := p.number("auth.users WHERE firebase_uid = $1", uid); n != 0 {
					t.Error("a deleted account has a row again")
				}
			},
		}
	},
	"F10: a session from after a deletion makes a row that remembers it": func(p *scene) rule {
		uid, email, deleted := newUID(), newEmail(), time.Now().Add(-time.Hour).Truncate(time.Second)
		p.exec("INSERT INTO auth.tombstones (user_id, firebase_uid, deleted_at) VALUES (gen_random_uuid(), $1, $2)", uid, deleted)
		return rule{
			sessions: times(10, func() token.Claims { return session(uid, email) }), made: 1,
			check: func(t *testing.T, p *scene, all []*asker) {
				expectRow(t, p, all, "firebase_uid = $1 AND tokens_valid_after = $2", uid, deleted)
			},
		}
	},
}

func expectRow(t *testing.T, p *scene, all []*asker, condition string, arguments ...any) {
	t.Helper()
	var id uuid.UUID
	if err := p.db.QueryRow(t.Context(), "SELECT id FROM auth.users WHERE "+condition, arguments...).Scan(&id); err != nil {
		t.Errorf("no row where %s %v: %v", condition, arguments, err)
	}
	for _, a := range all {
		if a.err != nil || a.user.ID != id {
			t.Errorf("answered %+v, %v, expected the row %s", a.user, a.err, id)
			return
		}
	}
}

func expectRefusal(t *testing.T, all []*asker, want error) {
	t.Helper()
	for _, a := range all {
		if !errors.Is(a.err, want) {
			t.Errorf("answered %+v, %v, expected %v", a.user, a.err, want)
		}
	}
}

// F1, F7, F10, all at the same moment.
func TestFirstSight_RaceTableThroughGroups(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		instances   int
		connections int32
		newcomers   bool
	}{
		"one instance": {1, 6, false}, "two instances": {2, 6, false}, "a single connection": {1, 1, false},
		"newcomers before two instances": {2, 6, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			p := newScene(t, c.instances, c.connections)
			p.newcomers = c.newcomers
			for round := range rounds(t) {
				playRaceTable(t, p, c.connections > 1)
				if t.Failed() {
					t.Fatalf("in round %d", round)
				}
			}
		})
	}
}

func playRaceTable(t *testing.T, p *scene, hold bool) {
	t.Helper()
	type part struct {
		rule rule
		all  []*asker
	}
	parts := map[string]*part{}
	var sessions []token.Claims
	var whose []func(a *asker)
	made := 0
	for name, set := range raceTable {
		one := &part{rule: set(p)}
		one.all = make([]*asker, len(one.rule.sessions))
		parts[name] = one
		made += one.rule.made
		for i, c := range one.rule.sessions {
			sessions = append(sessions, c)
			whose = append(whose, func(a *asker) { one.all[i] = a })
		}
	}
	order := rand.Perm(len(sessions))
	dealt := make([]token.Claims, len(order))
	for i, j := range order {
		dealt[i] = sessions[j]
	}
	before, created := p.number("auth.users"), p.count(SightCreated)
	_, _ = p.statements.since()
	var all []*asker
	if hold {
		all = p.meetTogether(dealt...)
	} else {
		// The first request takes the only connection.
		tx := p.hold(holdReaders)
		all = crowd(p, (*Store).FirstSight, dealt...)
		p.gathered(all, 1)
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.finish(all)
	}
	for i, a := range all {
		whose[order[i]](a)
	}
	for name, one := range parts {
		t.Run(name, func(t *testing.T) { one.rule.check(t, p, one.all) })
	}
	ran, codes := p.statements.since()
	if n := p.number("auth.users") - before; n != made || p.count(SightCreated)-created != n {
		t.Errorf("%d rows were made and %d counted as made, expected %d", n, p.count(SightCreated)-created, made)
	}
	// A third of these conflict and go on alone.
	if ran["UsersByFirebaseUIDs"] > len(all)/4 || ran["FirstSights"] == 0 || ran["FirstSights"]+ran["FirstSight"] > len(all)*2/3 {
		t.Errorf("%d first sights ran %v, expected them to share statements", len(all), ran)
	}
	if codes["40P01"] > 0 {
		t.Errorf("PostgreSQL refused %v, expected no deadlock", codes)
	}
	t.Logf("%d first sights: %v", len(all), ran)
}

func TestFirstSight_ABadMemberHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	p := newScene(t, 1, 6)
	sessions := times(30, func() token.Claims { return session(newUID(), newEmail()) })
	bad := session(newUID(), newEmail(), func(c *token.Claims) { c.SignInProvider = "a\x00b" }) // invalid in jsonb
	sessions = slices.Insert(sessions, 20, bad)
	all := p.meetTogether(sessions...)
	_, codes := p.statements.since()
	for i, a := range all {
		if i != 20 && (a.err != nil || a.user.FirebaseUID != sessions[i].Subject) {
			t.Errorf("number %d was answered %+v, %v, expected its row", i, a.user, a.err)
		}
	}
	if all[20].err == nil || codes["22P05"] < 2 {
		t.Errorf("the bad one was answered %v, and PostgreSQL refused %v, expected its group and it", all[20].err, codes)
	}
}

func TestFirstSight_AMemberThatATriggerRefusesHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	p := newScene(t, 1, 6)
	p.exec(`CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF NEW.username = 'root' THEN RAISE EXCEPTION 'this name is ours'; END IF; RETURN NEW; END $$`)
	p.exec(`CREATE TRIGGER refuse BEFORE INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION public.refuse()`)
	sessions := times(30, func() token.Claims { return session(newUID(), newEmail()) })
	sessions = slices.Insert(sessions, 20, session(newUID(), newEmail(), withName("root")))
	for i, a := range p.meetTogether(sessions...) {
		if i != 20 && (a.err != nil || a.user.FirebaseUID != sessions[i].Subject) {
			t.Errorf("number %d was answered %+v, %v, expected its row", i, a.user, a.err)
		}
		if i == 20 && a.err == nil {
			t.Error("the row that the trigger refuses was made")
		}
	}
}

func TestFirstSight_AnOpenTransactionHoldsUpWhoWantsItsAddressAlone(t *testing.T) {
	t.Parallel()
	for _, commits := range []bool{false, true} {
		t.Run(fmt.Sprintf("commits=%t", commits), func(t *testing.T) {
			t.Parallel()
			p := newScene(t, 1, 6)
			email := newEmail()
			sessions := times(40, func() token.Claims { return session(newUID(), newEmail()) })
			sessions[20].Email = email
			writer := p.hold("INSERT INTO auth.users (email, password_hash) VALUES ($1, 'x')", email)
			makers, err := writer.Begin(t.Context()) // the rollback releases later locks
			if err != nil {
				t.Fatal(err)
			}
			if _, err := makers.Exec(t.Context(), holdMakers); err != nil {
				t.Fatal(err)
			}
			all := crowd(p, (*Store).FirstSight, sessions...)
			p.gathered(all, 2)
			if err := makers.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			others := slices.Concat(all[:20], all[21:])
			p.finish(others)
			for _, a := range others {
				if a.err != nil {
					t.Errorf("somebody else was answered %v", a.err)
				}
			}
			end := writer.Rollback
			if commits {
				end = writer.Commit
			}
			if err := end(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.finish(all)
			if a := all[20]; a.err != nil || a.user.FirebaseUID != sessions[20].Subject || a.user.Email != email {
				t.Errorf("who waited was answered %+v, %v, expected a row or the link to the writer's", a.user, a.err)
			}
		})
	}
}

func TestFirstSight_GroupsOfTwoInstancesDoNotBlockEachOther_F1(t *testing.T) {
	t.Parallel()
	p := newScene(t, 2, 6)
	for _, s := range p.stores {
		s.patience = time.Minute // tells a deadlock from a slow machine
	}
	for round := range max(10, rounds(t)) {
		people := times(60, func() token.Claims { uid := newUID(); return session(uid, uid+"@example.com", withName("P "+uid)) })
		var sessions []token.Claims // each instance gets another order
		for i := range people {
			sessions = append(sessions, people[i], people[len(people)-1-i])
		}
		all := p.meetTogether(sessions...)
		for i, a := range all {
			if a.err != nil || a.user.FirebaseUID != sessions[i].Subject {
				t.Errorf("number %d was answered %+v, %v", i, a.user, a.err)
			}
		}
		if ran, codes := p.statements.since(); len(codes) > 0 {
			t.Fatalf("round %d: PostgreSQL refused %v of %v, expected nothing", round, codes, ran)
		}
	}
}

func TestFirstSight_TheKnownDoNotWaitForTheNew(t *testing.T) {
	t.Parallel()
	p := newScene(t, 1, 6)
	known := p.meetTogether(times(20, func() token.Claims { return session(newUID(), newEmail()) })...)
	makers := p.hold(holdMakers)
	_, _ = p.statements.since()
	// The first stranger holds a worker.
	strangers := crowd(p, (*Store).FirstSight, session(newUID(), newEmail()))
	p.until("the first stranger asks alone", func() bool { return p.statements.has("FirstSight") })
	strangers = append(strangers, crowd(p, (*Store).FirstSight, times(19, func() token.Claims { return session(newUID(), newEmail()) })...)...)
	p.gathered(strangers, 2)
	var ids []uuid.UUID
	for _, a := range known {
		ids = append(ids, a.user.ID)
	}
	again := slices.Concat(crowd(p, (*Store).FirstSight, sessionsOf(known)...), crowd(p, (*Store).ByID, ids...), crowd(p, (*Store).ByLegacyID, ids...))
	p.finish(again)
	for i, a := range again {
		if want := known[i%len(known)].user.ID; a.err != nil || a.user.ID != want {
			t.Errorf("number %d was answered %+v, %v, expected %s", i, a.user, a.err, want)
		}
	}
	if slices.ContainsFunc(strangers, (*asker).done) {
		t.Error("a stranger was answered while no row can be made")
	}
	if err := makers.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.finish(strangers)
	for _, a := range strangers {
		if a.err != nil {
			t.Errorf("a stranger was answered %v", a.err)
		}
	}
}

func TestFirstSight_HangingUpHarmsNobodyElse_O3(t *testing.T) {
	t.Parallel()
	p := newScene(t, 1, 6)
	sessions := times(60, func() token.Claims { return session(newUID(), newEmail()) })
	makers := p.hold(holdMakers)
	all := crowd(p, (*Store).FirstSight, sessions...)
	p.gathered(all, 2)
	for i, a := range all {
		if i%3 == 0 {
			a.leave()
			<-a.ended
			if !errors.Is(a.err, context.Canceled) {
				t.Errorf("who hung up was answered %v", a.err)
			}
		}
	}
	if err := makers.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.finish(all)
	for i, a := range all {
		if i%3 != 0 && (a.err != nil || a.user.FirebaseUID != sessions[i].Subject) {
			t.Errorf("number %d was answered %+v, %v, expected its row", i, a.user, a.err)
		}
	}
	p.finish(crowd(p, (*Store).FirstSight, sessions...))
	if n := p.number("auth.users"); n != len(sessions) {
		t.Errorf("%d rows, expected %d", n, len(sessions))
	}
}

func TestByID_ReadingsShareStatements(t *testing.T) {
	t.Parallel()
	p := newScene(t, 2, 6)
	var ids []uuid.UUID
	ended := map[uuid.UUID][]uuid.UUID{}
	for i := range 30 {
		id := uuid.New()
		ids = append(ids, id, id)
		p.exec("INSERT INTO auth.users (id, email, password_hash, legacy_tokens_valid_after) VALUES ($1, $2, 'x', '2020-01-01'::timestamptz + $3 * interval '1 day')",
			id, newEmail(), i)
		for range i % 3 {
			session := uuid.New()
			ended[id] = append(ended[id], session)
			p.exec(`INSERT INTO auth.legacy_sessions (id, user_id, began_at, seed, rotated_at, expires_at, ended_at)
				VALUES ($1, $2, now(), 'x', now(), now() + interval '1 day', now())`, session, id)
		}
	}
	deleted, nobody := uuid.New(), uuid.New()
	p.exec("INSERT INTO auth.tombstones (user_id, deleted_at) VALUES ($1, now())", deleted)
	ids = append(ids, deleted, nobody)
	for what, c := range map[string]struct {
		read             func(*Store, context.Context, uuid.UUID) (User, error)
		statement        string
		deleted, unknown error
		legacy           bool
	}{
		"by id":              {(*Store).ByID, "UsersByIDs", ErrNotFound, ErrNotFound, false},
		"for a legacy token": {(*Store).ByLegacyID, "UsersByLegacyTokens", ErrRevoked, token.ErrMalformed, true},
	} {
		_, _ = p.statements.since()
		readers := p.hold(holdReaders)
		all := crowd(p, c.read, ids...)
		p.gathered(all, 1)
		if err := readers.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.finish(all)
		for i, id := range ids {
			a := all[i]
			switch want := map[uuid.UUID]error{deleted: c.deleted, nobody: c.unknown}[id]; {
			case want != nil:
				if !errors.Is(a.err, want) {
					t.Errorf("%s: who is not there was answered %v, expected %v", what, a.err, want)
				}
			case a.err != nil || a.user.ID != id:
				t.Errorf("%s: %s was answered %s, %v", what, id, a.user.ID, a.err)
			case c.legacy:
				since := time.Date(2020, 1, 1+i/2, 0, 0, 0, 0, time.UTC)
				if got := a.user; !sameSessions(got.EndedSessions, ended[id]) || !got.LegacyTokensValidAfter.Equal(since) {
					t.Errorf("%s: %s has ended sessions %v and %s, expected %v and %s", what, id, got.EndedSessions, got.LegacyTokensValidAfter, ended[id], since)
				}
			}
		}
		if ran, _ := p.statements.since(); ran[c.statement] == 0 || ran[c.statement] > len(ids)/4 {
			t.Errorf("%s: %d readings ran %v, expected them to share statements", what, len(ids), ran)
		}
	}
}

func sameSessions(a, b []uuid.UUID) bool {
	text := func(ids []uuid.UUID) (all []string) {
		for _, id := range ids {
			all = append(all, id.String())
		}
		slices.Sort(all)
		return all
	}
	return slices.Equal(text(a), text(b))
}

func TestFirstSight_OneAfterTheOtherIsOneStatementEach(t *testing.T) {
	t.Parallel()
	p := newScene(t, 1, 6)
	sessions := times(5, func() token.Claims { return session(newUID(), newEmail()) })
	p.finish(crowd(p, (*Store).FirstSight, times(50, func() token.Claims { return session(newUID(), newEmail()) })...))
	_, _ = p.statements.since()
	for range 2 {
		for _, c := range sessions {
			u, err := p.stores[0].FirstSight(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.stores[0].ByID(t.Context(), u.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if ran, _ := p.statements.since(); len(ran) != 2 || ran["FirstSight"] != 10 || ran["UsersByIDs"] != 10 {
		t.Errorf("10 first sights and 10 readings ran %v, expected a statement each", ran)
	}
}
