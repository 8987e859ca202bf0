package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/rollout"
	"auth-v2-service/internal/testkit/servicetest"
)

type crowd struct {
	stack  *servicetest.Stack
	people []localOne
}

type localOne struct {
	id              uuid.UUID
	email, password string
	balance         int32
}

// newCrowd uses twenty passwords, to hash less.
func newCrowd(t testing.TB, s *servicetest.Stack, size int) *crowd {
	t.Helper()
	const passwords = 20
	hashes := make([]string, passwords)
	for i := range hashes {
		hashes[i] = hashOf(t, passwordOf(i))
	}
	c := &crowd{stack: s, people: make([]localOne, size)}
	var ids []uuid.UUID
	var emails, hash []string
	var balances []int32
	for i := range c.people {
		p := localOne{id: uuid.New(), email: servicetest.Email(), password: passwordOf(i % passwords), balance: int32(i)}
		c.people[i] = p
		ids, emails, hash, balances = append(ids, p.id), append(emails, p.email), append(hash, hashes[i%passwords]), append(balances, p.balance)
	}
	execute(t, s, `INSERT INTO auth.users (id, email, username, password_hash, token_balance, auth_provider)
		SELECT id, email, 'name of ' || email, hash, balance, 'local'
		FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[]) AS people (id, email, hash, balance)`, ids, emails, hash, balances)
	return c
}

func passwordOf(i int) string { return fmt.Sprintf("Old-Password-%d", i) }

func (c *crowd) atOnce(do func(i int, p localOne)) {
	places := make(chan struct{}, 16)
	var all sync.WaitGroup
	for i, p := range c.people {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			do(i, p)
		})
	}
	all.Wait()
}

func doorOf(i int) string {
	if i%5 == 4 {
		return "/api/v1/auth/login"
	}
	return "/v1/auth/login"
}

// signIn returns the kind of tokens. The old surface always returns the legacy pair.
func (p localOne) signIn(t testing.TB, s *servicetest.Service, door string) (kind string) {
	t.Helper()
	answer := ask(t, s, http.MethodPost, door, registerBody(t, p.email, p.password))
	if answer.status != http.StatusOK {
		t.Errorf("A2: %s was answered %d by %s, expected 200\n%s", p.email, answer.status, door, answer.body)
		return ""
	}
	kind, id := readSession(answer.body)
	if id != p.id {
		t.Errorf("A2: %s got a session of %s, expected %s", p.email, id, p.id)
	}
	return kind
}

func readSession(body []byte) (kind string, id uuid.UUID) {
	var session struct {
		Data *struct {
			Kind string
			User struct{ ID uuid.UUID }
		}
		User struct{ ID uuid.UUID }
	}
	if json.Unmarshal(body, &session) != nil {
		return "", uuid.Nil
	}
	if session.Data != nil {
		return session.Data.Kind, session.Data.User.ID
	}
	return "legacy", session.User.ID
}

// trySignIn returns status 0 when the instance is killed.
func (p localOne) trySignIn(ctx context.Context, s *servicetest.Service, door, body string) (status int, answer []byte) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+door, strings.NewReader(body))
	if err != nil {
		return 0, nil
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := s.HTTP.Do(request)
	if err != nil {
		return 0, nil
	}
	defer response.Body.Close()
	if answer, err = io.ReadAll(response.Body); err != nil {
		return 0, nil
	}
	return response.StatusCode, answer
}

type whereabouts struct{ moved, pending int }

// expectWhereabouts checks that moved users keep id, balance, hash and name and have one account. Others are local without an account,
// unless a move is pending.
func (c *crowd) expectWhereabouts(t testing.TB, stage string, should func(p localOne) (moved, certain bool)) (w whereabouts) {
	t.Helper()
	rows, err := c.stack.DB.Query(context.Background(), `
		SELECT users.id, coalesce(auth_provider, ''), coalesce(firebase_uid, ''), coalesce(federation_status, 'active'), token_balance,
			password_hash IS NOT NULL, username = 'name of ' || email, claims.user_id IS NOT NULL AND claims.failed_at IS NULL
		FROM auth.users AS users LEFT JOIN auth.move_claims AS claims ON claims.user_id = users.id`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	type state struct {
		provider, uid, status   string
		balance                 int32
		hash, sameName, claimed bool
	}
	found := map[uuid.UUID]state{}
	for rows.Next() {
		var id uuid.UUID
		var r state
		var balance *int32
		var sameName *bool
		if err := rows.Scan(&id, &r.provider, &r.uid, &r.status, &balance, &r.hash, &sameName, &r.claimed); err != nil {
			t.Fatal(err)
		}
		r.balance, r.sameName = *balance, sameName != nil && *sameName
		found[id] = r
	}
	accounts := map[string][]string{}
	for _, account := range c.stack.Identity.Users() {
		accounts[account.Email] = append(accounts[account.Email], account.UID)
	}
	for _, p := range c.people {
		r, id := found[p.id], p.id.String()
		there := accounts[p.email]
		moved, certain := should(p)
		hasMoved := r.provider == "hybrid" && r.uid == id && r.status == "active"
		isLocal := r.provider == "local" && r.uid == "" && (r.status == "active" && !r.claimed || r.status == "syncing" && r.claimed)
		switch {
		case r.balance != p.balance || !r.hash || !r.sameName:
			t.Errorf("%s: %s was changed: %+v", stage, p.email, r)
		case !hasMoved && !isLocal:
			t.Errorf("%s: %s is neither moved nor local: %+v", stage, p.email, r)
		case len(there) > 1 || len(there) == 1 && there[0] != id:
			t.Errorf("%s: %s has the accounts %v, expected one at most, of %s", stage, p.email, there, id)
		case hasMoved && len(there) != 1:
			t.Errorf("%s: %s has moved and has %d accounts there", stage, p.email, len(there))
		case certain && moved != hasMoved:
			t.Errorf("%s: %s (bucket %d) has moved: %t, expected %t", stage, p.email, rollout.Bucket(p.id), hasMoved, moved)
		case certain && !moved && len(there) != 0:
			t.Errorf("%s: %s has not moved and has an account there", stage, p.email)
		}
		if hasMoved {
			w.moved++
		}
		if r.claimed {
			w.pending++
		}
	}
	return w
}

// perhaps leaves the home open and checks only consistency.
func perhaps(localOne) (moved, certain bool) { return false, false }

func everybody(localOne) (moved, certain bool) { return true, true }

func cohortOf(percent float64) func(p localOne) (moved, certain bool) {
	return func(p localOne) (bool, bool) { return float64(rollout.Bucket(p.id)) < percent*100, true }
}

// passLapse makes every claim's holder count as dead.
func passLapse(t testing.TB, s *servicetest.Stack) {
	t.Helper()
	execute(t, s, "UPDATE auth.move_claims SET claimed_at = claimed_at - interval '61 seconds' WHERE failed_at IS NULL")
}

// signInMoved may get the legacy pair until the settling job is done.
func (p localOne) signInMoved(t testing.TB, s *servicetest.Service, what string) {
	t.Helper()
	eventually(t, what+": "+p.email+" gets a session at Firebase", func() bool {
		return p.signIn(t, s, "/v1/auth/login") == "firebase"
	})
}

func (a admin) rollOut(t testing.TB, s *servicetest.Service, percent float64) {
	t.Helper()
	a.set(t, s, func(c *client.RolloutChange) { c.TrafficPercent, c.UsersPercent = 100, percent })
}
