package e2e

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/testkit/servicetest"
)

// M7, M9: users go to Firebase and come back. Each signs in with today's password at each stage, and no session ends.
func TestUsersReturn_ThereAndBack_M7_M9(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	c := newCrowd(t, s.Stack, 40)
	admin := newAdmin(t, s.Stack)
	admin.rollOut(t, s, 0)
	expectUsers(t, s.Stack, 0, "40 moved, ", "move", "--yes")
	moved := newestRun(t, s.Stack)

	seen, elsewhere, factor, deactivated := c.people[0], c.people[1], c.people[2], c.people[3]
	there := newLogin(t, s, seen.email, seen.password)
	changeBehindOurBack(t, s.Stack, elsewhere.email, elsewhere.password, firebasePassword)
	enroll(t, s, factor.id.String())
	execute(t, s.Stack, "UPDATE auth.users SET is_active = false WHERE id = $1", deactivated.id)

	expectUsers(t, s.Stack, 0, "39 can come back, of 40 at Firebase", "return", "--dry-run", "--run", moved.ID.String())
	expectUsers(t, s.Stack, 0, "1 users: second_factor, such as "+factor.id.String(), "return", "--dry-run")
	expectUsers(t, s.Stack, 2, "give --yes", "return")
	if n := count(t, s.Stack, "auth.users WHERE auth_provider = 'hybrid'"); n != 40 {
		t.Errorf("M7: %d of 40 users are at Firebase after previews", n)
	}
	expectUsers(t, s.Stack, 0, "39 returned, 1 skipped, 0 failed", "return", "--yes", "--run", moved.ID.String())
	for i, p := range c.people {
		switch p {
		case elsewhere:
			ask(t, s, http.MethodPost, doorOf(i), registerBody(t, p.email, p.password)).expect(t, "M7: the password from before", 401, "invalid_credentials")
			p.password = firebasePassword
		case factor:
			ask(t, s, http.MethodPost, "/v1/auth/login", registerBody(t, p.email, p.password)).expect(t, "M7: a second factor stays there", 401, "mfa_required")
			continue
		case deactivated:
			ask(t, s, http.MethodPost, doorOf(i), registerBody(t, p.email, p.password)).expect(t, "M7: deactivated", 403, "account_deactivated")
			continue
		}
		if kind := p.signIn(t, s, doorOf(i)); kind != "legacy" {
			t.Errorf("M7: a returned user signs in as %s", kind)
		}
	}
	expectUser(t, s, "M7, M9: a Firebase token from before the return", there.IDToken)
	refresh(t, s, "/v1/auth/refresh", there.RefreshToken).expect(t, "M9: a session from before the return", 200, "")
	expectUsers(t, s.Stack, 0, "0 can come back", "return", "--dry-run", "--run", moved.ID.String())
}

// The admin API offers the same.
func TestUsersReturn_ByTheAdminAPI_M7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	c := newCrowd(t, s.Stack, 10)
	admin := newAdmin(t, s.Stack)
	admin.rollOut(t, s, 0)
	expectUsers(t, s.Stack, 0, "10 moved, ", "move", "--yes")
	answer := admin.ask(t, s, http.MethodPost, "/v1/admin/moves", `{"kind": "return", "selection": "ids", "ids": ["`+c.people[0].id.String()+`"]}`)
	answer.expect(t, "M7: start a return", 200, "")
	var started struct {
		Data struct {
			Run struct {
				ID   uuid.UUID
				Kind string
			}
		}
	}
	if err := json.Unmarshal(answer.body, &started); err != nil || started.Data.Run.Kind != "return" {
		t.Fatalf("%v\n%s", err, answer.body)
	}
	eventually(t, "the run is done", func() bool {
		return count(t, s.Stack, "auth.bulk_runs WHERE id = $1 AND state = 'done' AND moved = 1", started.Data.Run.ID) == 1
	})
	if kind := c.people[0].signIn(t, s, "/v1/auth/login"); kind != "legacy" {
		t.Errorf("M7: the returned user signs in as %s", kind)
	}
	if kind := c.people[1].signIn(t, s, "/v1/auth/login"); kind != "firebase" {
		t.Errorf("M7: another user signs in as %s", kind)
	}
	admin.ask(t, s, http.MethodPost, "/v1/admin/moves", `{"kind": "purge", "selection": "all"}`).expect(t, "a kind that is not there", 400, "invalid_request")
}

// M2, M7: kill -9 of the command at random moments, while users sign in. Each sign-in is answered, by the password of today.
func TestUsersReturn_KilledWhileUsersSignIn_M2_M7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	c := newCrowd(t, s.Stack, 2_500)
	execute(t, s.Stack, "UPDATE auth.rollout SET traffic_buckets = 10000")
	expectUsers(t, s.Stack, 0, "2500 moved, ", "move", "--yes")
	for i := range c.people[:20] {
		p := &c.people[i]
		changeBehindOurBack(t, s.Stack, p.email, p.password, firebasePassword)
		p.password = firebasePassword
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for round := range 3 {
			for i, p := range c.people[:100] {
				if i%3 == round {
					p.signIn(t, s, "/v1/auth/login")
				}
			}
		}
	}()
	for range killedReturns() {
		command := usersCommand(t, s.Stack, nil, "return", "--yes")
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(rand.IntN(1_000)) * time.Millisecond)
		_ = command.Process.Kill()
		_ = command.Wait()
		execute(t, s.Stack, "UPDATE auth.bulk_runs SET lease_until = NULL") // as ten seconds do
	}
	waitFor(t, 2*time.Minute, "the return is done, here or on the instance", func() bool {
		if count(t, s.Stack, "auth.users WHERE auth_provider = 'local' AND firebase_uid IS NOT NULL") == len(c.people) {
			return count(t, s.Stack, "auth.bulk_runs WHERE kind = 'return' AND state = 'done'") > 0
		}
		_, _, _ = users(t, s.Stack, "return", "--yes")
		return false
	})
	<-done
	for _, p := range c.people[:40] {
		if kind := p.signIn(t, s, "/v1/auth/login"); kind != "legacy" {
			t.Errorf("M7: a returned user signs in as %s", kind)
		}
	}
	const returned = "(SELECT user_id, count(*) AS n FROM auth.audit_events WHERE action = 'user.returned' GROUP BY user_id) AS each"
	if once, all := count(t, s.Stack, returned+" WHERE n = 1"), count(t, s.Stack, returned); once != len(c.people) || all != once {
		t.Errorf("M7: %d users are recorded, %d of them once, expected %d", all, once, len(c.people))
	}
	if accounts := len(s.Identity.Users()); accounts < len(c.people) || accounts > len(c.people)+killedReturns() {
		t.Errorf("M7: %d accounts are at Firebase", accounts)
	}
}

// killedReturns is small where all tests run.
func killedReturns() int {
	if n, err := strconv.Atoi(os.Getenv("KILLS")); err == nil {
		return n
	}
	return 5
}

// Where there is no legacy pair, no returned user could sign in.
func TestUsersReturn_WithoutLegacyTokens_M7(t *testing.T) {
	t.Parallel()
	off := map[string]string{"LEGACY_TOKENS": "off"}
	s := servicetest.Start(t, trusting, off)
	newCrowd(t, s.Stack, 3)
	admin := newAdmin(t, s.Stack)
	admin.rollOut(t, s, 0)
	expectUsers(t, s.Stack, 0, "3 moved, ", "move", "--yes")
	for _, arguments := range [][]string{{"return", "--yes"}, {"return", "--dry-run"}} {
		code, said, warned := endOf(t, usersCommand(t, s.Stack, off, arguments...))
		if code != 2 || !strings.Contains(warned, "LEGACY_TOKENS") {
			t.Errorf("M7: %v ended with %d:\n%s%s", arguments, code, said, warned)
		}
	}
	answer := admin.ask(t, s, http.MethodPost, "/v1/admin/moves", `{"kind": "return", "selection": "all"}`)
	answer.expect(t, "M7: by the admin API", 400, "invalid_request")
	if n := count(t, s.Stack, "auth.users WHERE auth_provider = 'hybrid'"); n != 3 {
		t.Errorf("M7: %d of 3 users are at Firebase", n)
	}
}
