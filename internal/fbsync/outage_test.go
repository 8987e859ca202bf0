package fbsync_test

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
)

func outageUsers(t *testing.T) int {
	if text := os.Getenv("OUTAGE_USERS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 60
}

// S3: Firebase fails 30 % of calls and hangs.
func TestOutage_BothSidesAreEqualAfterwards_S3(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	users := make([]person, outageUsers(t))
	for i := range users {
		users[i] = s.person()
	}
	s.work(s.client)
	s.work(s.client)
	for _, phase := range [][]identity.Fault{
		{{Match: "accounts", Kind: identity.FaultUnavailable, Probability: 0.15}, {Match: "accounts", Kind: identity.FaultCut, Probability: 0.15}},
		{{Match: "accounts:update", Kind: identity.FaultCut, Probability: 0.3, After: true}},
		{{Match: "accounts", Kind: identity.FaultHang}},
		{{Match: "accounts", Kind: identity.FaultUnavailable}},
	} {
		s.provider.ClearFaults()
		if err := s.provider.AddFaults(phase...); err != nil {
			t.Fatal(err)
		}
		s.shuffle(users)
	}
	dead := s.sessions(users)
	for _, p := range users {
		if rand.IntN(2) == 0 {
			s.change(revoke, p)
		} else {
			delete(dead, p)
		}
	}
	await(s, 10*time.Second, "the second of the last revocation is over", func() bool {
		return ask[bool](s, `SELECT coalesce(max(tokens_valid_after), now()) <= date_trunc('second', clock_timestamp()) FROM auth.users`)
	})
	alive := s.sessions(users)

	began := time.Now()
	s.provider.ClearFaults()
	s.awaitPaid(3 * time.Minute)
	t.Logf("%d users: both sides equal %s after Firebase was back", len(users), time.Since(began).Round(time.Millisecond))
	for _, p := range users {
		s.expectEqual(p)
	}
	for p, token := range alive {
		if account, _ := s.provider.User(p.uid); account.Disabled {
			continue
		}
		if _, err := s.client.Refresh(context.WithoutCancel(t.Context()), token); err != nil {
			t.Errorf("S3: a session of %s that began after the last revocation was ended by it: %v", p.uid, err)
		}
	}
	for p, token := range dead {
		if _, err := s.client.Refresh(context.WithoutCancel(t.Context()), token); err == nil {
			t.Errorf("S3: a session of %s from before the last revocation lives", p.uid)
		}
	}
	t.Logf("%d sessions from after the last revocation held, %d from before it were ended", len(alive), len(dead))
}

func (s *stage) shuffle(users []person) {
	s.Helper()
	acts := []string{deactivate, reactivate, revoke}
	var hands sync.WaitGroup
	for hand := range 8 {
		hands.Go(func() {
			for i := hand; i < 2*len(users); i += 8 {
				s.change(acts[rand.IntN(len(acts))], users[rand.IntN(len(users))])
			}
		})
	}
	hands.Wait()
}

func (s *stage) sessions(users []person) map[person]string {
	s.Helper()
	opened := map[person]string{}
	for _, p := range users {
		if session, err := s.provider.SignIn(s.Context(), identity.User{UID: p.uid}, "google.com"); err == nil {
			opened[p] = session.RefreshToken
		}
	}
	if len(opened) == 0 {
		s.Fatal("Firebase lets nobody in")
	}
	return opened
}
