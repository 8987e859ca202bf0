package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/programs"
	"auth-v2-service/internal/testkit/servicetest"
)

// moving starts a separate process: without the race detector, a hash costs a tenth.
func moving(t *testing.T, binary string, stack *servicetest.Stack) *servicetest.Service {
	t.Helper()
	return stack.Reach(t, launch(t, binary, stack, trusting).awaitReady(t))
}

// After each stage exactly the cohort has moved. A lower percent moves nothing back.
func TestMoves_AThousandSignIn_A2_R1_R5(t *testing.T) {
	t.Parallel()
	stack, binary := servicetest.NewStack(t), programs.Authd(t)
	instances := []*servicetest.Service{moving(t, binary, stack), moving(t, binary, stack), stack.Start(t, trusting)}
	c, operator := newCrowd(t, stack, 1000), newAdmin(t, stack)
	before := 0.0
	for _, percent := range []float64{0, 10, 50, 100, 20} {
		began := time.Now()
		operator.rollOut(t, instances[int(percent)%2], percent)
		inNow, inBefore := cohortOf(max(percent, before)), cohortOf(before)
		c.atOnce(func(i int, p localOne) {
			if percent == 20 && i%5 > 0 {
				return
			}
			want := "legacy"
			if moves, _ := inNow(p); moves && doorOf(i) == "/v1/auth/login" {
				want = "firebase"
			}
			if kind := p.signIn(t, instances[(i+int(percent)/10)%3], doorOf(i)); kind != want && kind != "" {
				earlier, _ := inBefore(p)
				t.Errorf("A2: at %v %% %s (moved before: %t) got a %s session, expected %s", percent, p.email, earlier, kind, want)
			}
		})
		before = max(percent, before)
		w := c.expectWhereabouts(t, fmt.Sprintf("at %v %%", percent), cohortOf(before))
		t.Logf("at %v %%: %d of 1,000 have moved, after %s", percent, w.moved, time.Since(began).Round(time.Millisecond))
		if w.pending > 0 {
			t.Errorf("%d claims are left", w.pending)
		}
	}
	if n := count(t, stack, "auth.audit_events WHERE action = 'user.moved'"); n != len(c.people) {
		t.Errorf("%d moves are on record, expected one each", n)
	}
}

func TestMoves_WhoIsIn_R2_R3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	c, operator := newCrowd(t, s.Stack, 12), newAdmin(t, s.Stack)
	denied, allowed, both := c.people[0], c.people[1], c.people[2]
	lists := func(change *client.RolloutChange) {
		change.Deny, change.Allow = []uuid.UUID{denied.id, both.id}, []uuid.UUID{allowed.id, both.id}
	}
	none := func(localOne) (bool, bool) { return false, true }
	for _, step := range []struct {
		what  string
		apply func(*client.RolloutChange)
		moved func(p localOne) (bool, bool)
	}{
		{"everybody's percent, a little traffic missing", func(c *client.RolloutChange) { lists(c); c.UsersPercent, c.TrafficPercent = 100, 99.99 }, none},
		{"no percent, full traffic", func(c *client.RolloutChange) { c.UsersPercent, c.TrafficPercent = 0, 100 }, func(p localOne) (bool, bool) { return p == allowed, true }},
		{"everybody, below full traffic, insisted on", func(c *client.RolloutChange) {
			c.UsersPercent, c.TrafficPercent, c.BelowFullTraffic = 100, 0, true
		}, func(p localOne) (bool, bool) { return p != denied && p != both, true }},
		{"nobody denied any more", func(c *client.RolloutChange) { c.Deny = []uuid.UUID{} }, everybody},
		{"back to nothing", func(c *client.RolloutChange) {
			c.Allow, c.UsersPercent, c.BelowFullTraffic = []uuid.UUID{}, 0, false
		}, everybody},
	} {
		operator.set(t, s, step.apply)
		c.atOnce(func(_ int, p localOne) { p.signIn(t, s, "/v1/auth/login") })
		c.expectWhereabouts(t, step.what, step.moved)
	}
}

func TestMoves_NobodyBeforeTheDecision_M5(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	s, decided := stack.Start(t), stack.Start(t, trusting)
	c := newCrowd(t, stack, 6)
	newAdmin(t, stack).rollOut(t, decided, 100)
	c.atOnce(func(_ int, p localOne) {
		if kind := p.signIn(t, s, "/v1/auth/login"); kind != "legacy" {
			t.Errorf("M5: a %s session, expected legacy", kind)
		}
	})
	c.expectWhereabouts(t, "undecided", func(localOne) (bool, bool) { return false, true })
	c.atOnce(func(_ int, p localOne) { p.signIn(t, decided, "/v1/auth/login") })
	c.expectWhereabouts(t, "decided", everybody)
}

func TestMoves_OnePersonAtOnce_A2(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	instances := []*servicetest.Service{stack.Start(t, trusting), stack.Start(t, trusting)}
	c := newCrowd(t, stack, 5)
	newAdmin(t, stack).rollOut(t, instances[0], 100)
	var all sync.WaitGroup
	for _, p := range c.people {
		for i := range 20 {
			all.Go(func() { p.signIn(t, instances[i%2], doorOf(i)) })
		}
	}
	all.Wait()
	c.expectWhereabouts(t, "after twenty sign-ins each", everybody)
	if n := count(t, stack, "auth.audit_events WHERE action = 'user.moved'"); n != len(c.people) {
		t.Errorf("%d moves are on record of %d people", n, len(c.people))
	}
}

// Faults come before and after each call's effect. A later sign-in completes.
func TestMoves_AFifthOfTheProvidersCallsFails_A2_M2(t *testing.T) {
	t.Parallel()
	stack, binary := servicetest.NewStack(t), programs.Authd(t)
	instances := []*servicetest.Service{moving(t, binary, stack), moving(t, binary, stack)}
	c := newCrowd(t, stack, 1000)
	newAdmin(t, stack).rollOut(t, instances[0], 100)
	var faults []identity.Fault
	for _, kind := range []string{identity.FaultUnavailable, identity.FaultTooManyRequests, identity.FaultCut, identity.FaultQuotaExceeded} {
		for _, after := range []bool{false, true} { // eight in sequence: 1-(1-p)^8 is a fifth
			faults = append(faults, identity.Fault{Match: "accounts", Kind: kind, After: after, Probability: 0.0275})
		}
	}
	if err := stack.Identity.AddFaults(faults...); err != nil {
		t.Fatal(err)
	}
	var atFirebase atomic.Int64
	c.atOnce(func(i int, p localOne) {
		if p.signIn(t, instances[i%2], "/v1/auth/login") == "firebase" {
			atFirebase.Add(1)
		}
	})
	hits := 0
	for _, n := range stack.Identity.FaultHits() {
		hits += n
	}
	w := c.expectWhereabouts(t, "with faults", perhaps)
	t.Logf("%d calls went wrong; %d of 1,000 have moved, %d of them were answered Firebase's pair, %d claims are to be looked at",
		hits, w.moved, atFirebase.Load(), w.pending)
	if hits < 200 || w.moved == 0 || w.moved == len(c.people) {
		t.Errorf("%d faults and %d moved: this shows nothing", hits, w.moved)
	}
	stack.Identity.ClearFaults()
	passLapse(t, stack)
	c.atOnce(func(i int, p localOne) { p.signInMoved(t, instances[i%2], "A2: without faults") })
	if w := c.expectWhereabouts(t, "after the faults", everybody); w.pending != 0 || count(t, stack, "auth.move_claims") != 0 {
		t.Errorf("%d claims are left", w.pending)
	}
}

// A cut sign-in succeeds elsewhere with the legacy pair. After the lapse every user has moved once.
func TestMoves_KilledInTheMiddle_M2(t *testing.T) {
	t.Parallel()
	binary, stack := programs.Authd(t), servicetest.NewStack(t)
	survivor := moving(t, binary, stack)
	c := newCrowd(t, stack, 600)
	newAdmin(t, stack).rollOut(t, survivor, 100)
	if err := stack.Identity.AddFaults( // time for the kill
		identity.Fault{Match: "accounts", Kind: identity.FaultDelay, Delay: 30 * time.Millisecond, Probability: 0.5, After: true},
		identity.Fault{Match: "accounts", Kind: identity.FaultDelay, Delay: 30 * time.Millisecond, Probability: 0.5},
	); err != nil {
		t.Fatal(err)
	}
	var cut, kills int
	for part := range 6 {
		some := &crowd{stack: stack, people: c.people[part*100 : part*100+100]}
		cut += some.signInWhileKilled(t, launch(t, binary, stack, trusting), survivor)
		kills++
	}
	w := c.expectWhereabouts(t, "after the kills", perhaps)
	t.Logf("%d kills cut %d of 600 sign-ins off; %d have moved, %d claims are left by the dead", kills, cut, w.moved, w.pending)
	if cut == 0 {
		t.Error("no sign-in was cut off: this shows nothing")
	}
	stack.Identity.ClearFaults()
	c.atOnce(func(_ int, p localOne) { p.signIn(t, survivor, "/v1/auth/login") })
	passLapse(t, stack)
	c.atOnce(func(_ int, p localOne) { p.signInMoved(t, survivor, "M2: after the lapse") })
	if w := c.expectWhereabouts(t, "after the lapse", everybody); w.pending != 0 {
		t.Errorf("M2: %d claims are left", w.pending)
	}
	if n := count(t, stack, "auth.audit_events WHERE action = 'user.moved'"); n != len(c.people) {
		t.Errorf("M2: %d moves are on record of %d people", n, len(c.people))
	}
}

// signInWhileKilled kills the victim after a third of the answers. The survivor serves the rest.
func (c *crowd) signInWhileKilled(t *testing.T, victim *instance, survivor *servicetest.Service) (cut int) {
	t.Helper()
	at := c.stack.Reach(t, victim.awaitReady(t))
	var answered, lost atomic.Int64
	third := make(chan struct{})
	go func() {
		<-third
		victim.kill(t)
	}()
	c.atOnce(func(i int, p localOne) {
		status, body := p.trySignIn(t.Context(), at, doorOf(i), registerBody(t, p.email, p.password))
		if answered.Add(1) == int64(len(c.people)/3) {
			close(third)
		}
		switch {
		case status == 0:
			lost.Add(1)
			p.signIn(t, survivor, doorOf(i))
		case status != http.StatusOK:
			t.Errorf("A2: %s was answered %d, expected 200\n%s", p.email, status, body)
		}
	})
	<-victim.Done()
	return int(lost.Load())
}

// F9: a deactivated user does not move.
func TestMoves_NotWhoIsRefused_A2_A3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	c := newCrowd(t, s.Stack, 3)
	newAdmin(t, s.Stack).rollOut(t, s, 100)
	execute(t, s.Stack, "UPDATE auth.users SET is_active = false WHERE id = $1", c.people[1].id)
	execute(t, s.Stack, "UPDATE auth.users SET federation_status = 'disabled' WHERE id = $1", c.people[2].id)
	for _, door := range []string{"/v1/auth/login", "/auth/login"} {
		for i, p := range c.people {
			ask(t, s, "POST", door, registerBody(t, p.email, "WrongPassword1")).expect(t, "a wrong password", 401, "invalid_credentials")
			if i > 0 {
				ask(t, s, "POST", door, registerBody(t, p.email, p.password)).expect(t, "a deactivated person", 403, "account_deactivated")
			}
		}
	}
	if n := count(t, s.Stack, "auth.users WHERE firebase_uid IS NOT NULL AND user_type IS DISTINCT FROM 'admin'"); n != 0 || len(s.Identity.Users()) != 0 {
		t.Errorf("%d of them have moved, and %d accounts were made, expected none", n, len(s.Identity.Users()))
	}
}

func TestMoves_NobodyNotices(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	s, other := stack.Start(t, trusting), stack.Start(t, trusting)
	c, operator := newCrowd(t, stack, 1), newAdmin(t, stack)
	p := c.people[0]
	before := legacyLogin(t, s, p.email, p.password)
	expectUser(t, other, "before the move", before.AccessToken)
	operator.rollOut(t, s, 100)
	session := newLogin(t, s, p.email, p.password)
	if session.Kind != "firebase" || session.User.AuthProvider != "hybrid" || session.User.FirebaseUID != p.id.String() {
		t.Errorf("A2: %+v, expected a moved person", session)
	}
	for what, token := range map[string]string{"the session of before": before.AccessToken, "the new one": session.IDToken} {
		for _, instance := range []*servicetest.Service{s, other} {
			if u := expectUser(t, instance, what, token); u.ID != p.id || u.TokenBalance != p.balance {
				t.Errorf("%s is %s's with a balance of %d, expected %s and %d", what, u.ID, u.TokenBalance, p.id, p.balance)
			}
		}
	}
	expectUser(t, other, "a refresh of before", pairOf(t, ask(t, other, "POST", "/api/v1/auth/refresh", refreshBody(t, before.RefreshToken)), 200).AccessToken)
	expectUser(t, s, "an old client's", legacyLogin(t, other, p.email, p.password).AccessToken)
	c.expectWhereabouts(t, "in the end", everybody)
}

func TestMoves_WithoutLegacyTokensAnOutageIs503(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting, map[string]string{"LEGACY_TOKENS": "off"})
	c := newCrowd(t, s.Stack, 2)
	for i, f := range []identity.Fault{{Match: "batchCreate", Kind: identity.FaultUnavailable}, {Match: "signInWithPassword", Kind: identity.FaultQuotaExceeded}} {
		fault(t, s, f)
		logInAs := func() reply {
			return ask(t, s, "POST", "/v1/auth/login", registerBody(t, c.people[i].email, c.people[i].password))
		}
		logInAs().expect(t, "with "+f.Match+" failing", 503, "dependency_unavailable")
		s.Identity.ClearFaults()
		passLapse(t, s.Stack)
		eventually(t, "afterwards a sign-in", func() bool { return logInAs().status == 200 }) // the settling job must end first
	}
	c.expectWhereabouts(t, "in the end", everybody)
}
