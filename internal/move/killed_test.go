package move_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/move"
)

type errKilled struct{ at string }

func (s *stage) dies(at string, move func(identities move.Identities)) {
	s.Helper()
	defer func() {
		if dead := recover(); dead != (errKilled{at}) {
			s.Errorf("ended by %v and not at %q", dead, at)
		}
	}()
	move(wrapped{s.client, func(operation string) error {
		if operation == at {
			panic(errKilled{at})
		}
		return nil
	}})
}

// M2: sign-ins stay local until the lapse; the next completes the move.
func TestKilledAtEachStep(t *testing.T) {
	for _, at := range []string{"import", "import answered", "sign in", "sign in answered"} {
		t.Run(at, func(t *testing.T) {
			s := newStage(t)
			id := s.local(local{})
			s.dies(at, func(identities move.Identities) {
				_, err := s.mover(with(identities)).AtSignIn(t.Context(), id, password)
				t.Errorf("the killed one answers %v", err)
			})
			if now := s.state(id); now.provider != "local" || now.status != "syncing" || !now.claimed {
				t.Errorf("killed, it leaves %+v", now)
			}
			if _, err := s.mover().AtSignIn(t.Context(), id, password); !errors.Is(err, move.ErrNotMovable) {
				t.Errorf("before the lapse: %v", err)
			}
			s.lapse(id)
			imports := s.requests("batchCreate")
			session, err := s.mover().AtSignIn(t.Context(), id, password)
			if err != nil || session.UID != id.String() {
				t.Errorf("after the lapse: %+v, %v", session, err)
			}
			s.mustBeMoved(id, id.String(), password)
			if again := s.requests("batchCreate") - imports; (again != 0) != (at == "import") || s.accounts() != 1 {
				t.Errorf("%d imports more, %d accounts", again, s.accounts())
			}
		})
	}
}

// M6
func TestKilledWhileMeetingAnotherAccount(t *testing.T) {
	squatter := identity.User{Password: "another one"}
	owner := identity.User{EmailVerified: true, Providers: []string{"google.com"}}
	for at, there := range map[string]identity.User{
		"user by email": squatter, "displace": squatter, "displace answered": squatter,
		"set password": owner, "set password answered": owner,
	} {
		t.Run(at, func(t *testing.T) {
			s := newStage(t)
			id := s.local(local{})
			uid := s.known(id, there)
			s.dies(at, func(identities move.Identities) { _, _ = s.mover(with(identities)).AtSignIn(t.Context(), id, password) })
			s.lapse(id)
			session, err := s.mover().AtSignIn(t.Context(), id, password)
			if err != nil {
				t.Fatal(err)
			}
			want := id.String()
			if there.EmailVerified {
				want = uid
			}
			if session.UID != want {
				t.Errorf("moved to %s and not %s", session.UID, want)
			}
			s.mustBeMoved(id, want, password)
		})
	}
}

func TestTakenForDead(t *testing.T) {
	s := newStage(t)
	id := s.local(local{})
	m := s.mover(with(wrapped{s.client, func(operation string) error {
		if operation == "sign in answered" {
			s.lapse(id)
			if _, err := s.mover().AtSignIn(t.Context(), id, password); err != nil {
				t.Errorf("who takes over: %v", err)
			}
		}
		return nil
	}}))
	if _, err := m.AtSignIn(t.Context(), id, password); !errors.Is(err, move.ErrNotMovable) {
		t.Errorf("the sleeper: %v", err)
	}
	s.mustBeMoved(id, id.String(), password)
	if s.requests("batchCreate") != 1 || s.accounts() != 1 {
		t.Errorf("%d imports, %d accounts", s.requests("batchCreate"), s.accounts())
	}
}

func TestStrayClaim(t *testing.T) {
	s := newStage(t)
	id := s.local(local{})
	s.exec("INSERT INTO auth.move_claims (user_id, claimed_by, claimed_at) VALUES ($1, 'somebody', now())", id)
	if _, err := s.mover().AtSignIn(t.Context(), id, password); !errors.Is(err, move.ErrNotMovable) {
		t.Errorf("before the lapse: %v", err)
	}
	s.lapse(id)
	if _, err := s.mover().AtSignIn(t.Context(), id, password); err != nil && !errors.Is(err, move.ErrNotMovable) {
		t.Errorf("after the lapse: %v", err)
	}
	if s.state(id).provider == "local" {
		if _, err := s.mover().AtSignIn(t.Context(), id, password); err != nil {
			t.Error(err)
		}
	}
	s.mustBeMoved(id, id.String(), password)
}

// M2
func TestOutages(t *testing.T) {
	for _, kind := range []string{
		identity.FaultTooManyRequests, identity.FaultUnavailable, identity.FaultCut, identity.FaultHang,
		identity.FaultQuotaExceeded, identity.FaultTooManyAttempts,
	} {
		for _, step := range []string{"accounts:batchCreate", "accounts:signInWithPassword"} {
			t.Run(kind+" "+step, func(t *testing.T) {
				t.Parallel()
				s := newStage(t)
				id := s.local(local{})
				if err := s.provider.AddFaults(identity.Fault{Match: step, Kind: kind}); err != nil {
					t.Fatal(err)
				}
				_, err := s.mover().AtSignIn(t.Context(), id, password)
				if err == nil || errors.Is(err, move.ErrConflict) || errors.Is(err, move.ErrNotMovable) {
					t.Errorf("the move gives %v", err)
				}
				s.mustBeLocal(id, "")
				s.provider.ClearFaults()
				if _, err := s.mover().AtSignIn(t.Context(), id, password); err != nil {
					t.Errorf("the next: %v", err)
				}
				s.mustBeMoved(id, id.String(), password)
				if s.accounts() != 1 || s.outcome(move.OutcomeReleased) != 1 {
					t.Errorf("%d accounts, %v", s.accounts(), s.outcomes)
				}
			})
		}
	}
}

// M2: a failed look-up keeps the claim.
func TestLostAnswer(t *testing.T) {
	lost := identity.Fault{Match: "accounts:batchCreate", Kind: identity.FaultCut, After: true}
	blind := identity.Fault{Match: "accounts:lookup", Kind: identity.FaultUnavailable}
	t.Run("looked for", func(t *testing.T) {
		s := newStage(t)
		id := s.local(local{})
		if err := s.provider.AddFaults(lost); err != nil {
			t.Fatal(err)
		}
		if _, err := s.mover().AtSignIn(t.Context(), id, password); err != nil {
			t.Error(err)
		}
		s.mustBeMoved(id, id.String(), password)
		if s.requests("batchCreate") != 1 {
			t.Errorf("%d imports", s.requests("batchCreate"))
		}
	})
	t.Run("not to be looked for", func(t *testing.T) {
		s := newStage(t)
		id := s.local(local{})
		if err := s.provider.AddFaults(lost, blind); err != nil {
			t.Fatal(err)
		}
		if _, err := s.mover().AtSignIn(t.Context(), id, password); !errors.Is(err, firebase.ErrUnreachable) {
			t.Errorf("the move gives %v", err)
		}
		if now := s.state(id); now.provider != "local" || now.status != "syncing" || s.outcome(move.OutcomeUnsettled) != 1 {
			t.Errorf("it leaves %+v, %v", now, s.outcomes)
		}
		s.lapse(id)
		if _, err := s.mover().AtSignIn(t.Context(), id, password); err == nil || s.state(id).status != "syncing" {
			t.Errorf("still blind: %v", err)
		}
		s.provider.ClearFaults()
		s.lapse(id)
		if _, err := s.mover().AtSignIn(t.Context(), id, password); err != nil {
			t.Error(err)
		}
		s.mustBeMoved(id, id.String(), password)
		if s.requests("batchCreate") != 1 {
			t.Errorf("%d imports", s.requests("batchCreate"))
		}
	})
}

func TestEndsWithinTheLapse(t *testing.T) {
	s := newStage(t)
	id := s.local(local{})
	m := s.mover(with(hangs{s.client}), func(o *move.Options) { o.Lapse = 600 * time.Millisecond })
	began := time.Now()
	if _, err := m.AtSignIn(t.Context(), id, password); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the move gives %v", err)
	}
	if took := time.Since(began); took > 600*time.Millisecond {
		t.Errorf("it took %s", took)
	}
	s.mustBeLocal(id, "")
}

type hangs struct{ move.Identities }

func (hangs) Import(ctx context.Context, _ []firebase.ImportUser) ([]firebase.ImportFailure, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestAFifthOfCallsFails(t *testing.T) {
	const people = 300
	s := newStage(t)
	ids := make([]uuid.UUID, people)
	for i := range ids {
		ids[i] = s.local(local{})
	}
	kinds := []string{identity.FaultUnavailable, identity.FaultTooManyRequests, identity.FaultCut, identity.FaultQuotaExceeded}
	s.failing(0.2, kinds)
	m := s.mover()
	everybody := func() (moved int) {
		errs := make([]error, people)
		places := make(chan struct{}, 16)
		var all sync.WaitGroup
		for i, id := range ids {
			places <- struct{}{}
			all.Go(func() {
				defer func() { <-places }()
				_, errs[i] = m.AtSignIn(t.Context(), id, password)
			})
		}
		all.Wait()
		for i, err := range errs {
			if errors.Is(err, move.ErrConflict) {
				t.Errorf("user %s: %v", ids[i], err)
			}
			now := s.state(ids[i])
			usable := now.provider == "local" && now.uid == "" && (now.status == "active" || now.status == "syncing" && now.claimed)
			if now.provider == "hybrid" {
				moved++
			} else if !usable {
				t.Errorf("user %s is %+v", ids[i], now)
			}
		}
		return moved
	}
	first := everybody()
	s.exec("UPDATE auth.move_claims SET claimed_at = claimed_at - interval '61 seconds'")
	second := everybody()
	t.Logf("of %d, %d moved at the first sign-in, %d at the second; %v; requests %v", people, first, second-first, s.outcomes, s.asked)
	s.provider.ClearFaults()
	s.exec("UPDATE auth.move_claims SET claimed_at = claimed_at - interval '61 seconds'")
	if n := everybody(); n != people {
		t.Errorf("%d of %d have moved in the end", n, people)
	}
	for _, id := range ids {
		s.mustBeMoved(id, id.String(), password)
	}
	if s.accounts() != people {
		t.Errorf("%d accounts of %d people", s.accounts(), people)
	}
}

func (s *stage) failing(share float64, kinds []string) {
	s.Helper()
	rand.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	left := 1.0
	each := share / float64(2*len(kinds))
	for _, kind := range kinds {
		for _, after := range []bool{false, true} {
			// Later faults see only requests that earlier ones spared.
			if err := s.provider.AddFaults(identity.Fault{Kind: kind, Probability: each / left, After: after}); err != nil {
				s.Fatal(fmt.Errorf("a fault of %s: %w", kind, err))
			}
			left -= each
		}
	}
}
