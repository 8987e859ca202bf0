package e2e

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/programs"
	"auth-v2-service/internal/testkit/servicetest"
)

// halfLimit: a killed leader's place lapses after 15 s, and the job waits for its next run.
const halfLimit = 60 * time.Second

// T4, A7, S4: what Firebase has changed is completed here.
func TestHalfChanges_AreCompleted_T4_A7(t *testing.T) {
	t.Parallel()
	for fault, cutShort := range map[string]func(t *testing.T, stack *servicetest.Stack, g *gate) (changes []halfChange, after *servicetest.Service){
		"PostgreSQL away":    cutByDatabase,
		"process killed":     cutByKill,
		"the answer is lost": cutByLostAnswer,
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			stack := servicetest.NewStack(t)
			g := newGate(t, stack)
			changes, s := cutShort(t, stack, g)
			for _, change := range changes {
				t.Run(change.call, func(t *testing.T) { change.settle(t, s) })
			}
			eventually(t, "no intent is left", func() bool { return count(t, stack, leftOver) == 0 })
			expectNoSecretsInJobs(t, stack)
		})
	}
}

// cutByDatabase cuts PostgreSQL off after Firebase has answered, until each request gives up.
func cutByDatabase(t *testing.T, stack *servicetest.Stack, g *gate) ([]halfChange, *servicetest.Service) {
	t.Helper()
	wire, throughWire := netfault.URL(t, stack.DatabaseURL)
	s := g.through(stack).Start(t, trusts, map[string]string{"DATABASE_URL": throughWire})
	changes := halfChanges(t, behindTheGate(s, stack), func() *servicetest.Service { return s })
	answers := askHeld(t, g, changes)
	wire.Cut()
	g.release(false)
	for i, answer := range answers() {
		if answer.status != http.StatusServiceUnavailable && changes[i].call != "displacement" {
			t.Errorf("%s was answered %d %s, expected 503", changes[i].call, answer.status, answer.body)
		}
	}
	wire.Restore()
	return changes, behindTheGate(s, stack)
}

func cutByKill(t *testing.T, stack *servicetest.Stack, g *gate) ([]halfChange, *servicetest.Service) {
	t.Helper()
	binary := programs.Authd(t)
	gated := g.through(stack)
	victim := launch(t, binary, gated, trusting)
	prepared := stack.Reach(t, victim.awaitReady(t))
	dying := *prepared
	dying.HTTP = &http.Client{Transport: unanswered{}}
	changes := halfChanges(t, prepared, func() *servicetest.Service { return &dying })
	answers := askHeld(t, g, changes)
	victim.kill(t)
	g.release(false)
	answers()
	return changes, stack.Reach(t, launch(t, binary, gated, trusting).awaitReady(t))
}

// unanswered answers 503 for a killed process.
type unanswered struct{}

func (unanswered) RoundTrip(request *http.Request) (*http.Response, error) {
	if response, err := http.DefaultTransport.RoundTrip(request); err == nil {
		return response, nil
	}
	return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody, Request: request}, nil
}

func cutByLostAnswer(t *testing.T, stack *servicetest.Stack, g *gate) ([]halfChange, *servicetest.Service) {
	t.Helper()
	s := g.through(stack).Start(t, trusts)
	changes := halfChanges(t, behindTheGate(s, stack), func() *servicetest.Service { return s })
	answers := askHeld(t, g, changes)
	g.release(true)
	for i, answer := range answers() {
		if answer.status != http.StatusServiceUnavailable && changes[i].call != "displacement" {
			t.Errorf("%s was answered %d %s, expected 503", changes[i].call, answer.status, answer.body)
		}
	}
	return changes, behindTheGate(s, stack)
}

func TestHalfChanges_NothingHasChanged_S4(t *testing.T) {
	t.Parallel()
	for kind, intents := range map[string]int{identity.FaultUnavailable: 8, identity.FaultQuotaExceeded: 0} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			stack := servicetest.NewStack(t)
			s := stack.Start(t, trusts)
			changes := halfChanges(t, s, func() *servicetest.Service { return s })
			for _, match := range []string{"accounts:update", "accounts:delete"} {
				if err := stack.Identity.AddFaults(identity.Fault{Match: match, Kind: kind}); err != nil {
					t.Fatal(err)
				}
			}
			codeIsGood := identity.Fault{Match: "accounts:resetPassword", Kind: identity.FaultDelay, Delay: time.Millisecond, Count: 1}
			for i, change := range changes {
				if strings.HasPrefix(change.call, "password reset") {
					if err := stack.Identity.AddFaults(codeIsGood, identity.Fault{Match: "accounts:resetPassword", Kind: kind, Count: 1}); err != nil {
						t.Fatal(err)
					}
				}
				if answer := change.ask(); answer.status < 400 && change.call != "displacement" {
					t.Errorf("%s was answered %d, and Firebase said %s", changes[i].call, answer.status, kind)
				}
			}
			if n := count(t, stack, leftOver); n != intents {
				t.Errorf("%d intents are left, expected %d", n, intents)
			}
			stack.Identity.ClearFaults()
			eventually(t, "each intent's job has looked", func() bool {
				return count(t, stack, "auth.river_job WHERE kind = 'firebase_intent' AND finalized_at IS NULL AND NOT metadata ? 'snoozes'") == 0
			})
			for _, change := range changes {
				t.Run(change.call, func(t *testing.T) { change.alive(t, s) })
			}
		})
	}
}

// leftOver excludes moves, which wait for their claims to lapse.
const leftOver = "auth.firebase_intents WHERE kind <> 'move'"

// askHeld returns when the gate holds every answer.
func askHeld(t *testing.T, g *gate, changes []halfChange) (answers func() []reply) {
	t.Helper()
	g.arm()
	replies := make([]reply, len(changes))
	var all sync.WaitGroup
	for i, change := range changes {
		all.Go(func() { replies[i] = change.ask() })
	}
	eventually(t, "Firebase has carried out each change", func() bool { return g.holds() >= len(changes) })
	return func() []reply {
		all.Wait()
		return replies
	}
}

// behindTheGate returns the instance with the provider's own address.
func behindTheGate(s *servicetest.Service, stack *servicetest.Stack) *servicetest.Service {
	other := *s
	other.Stack = stack
	return &other
}

func expectNoSecretsInJobs(t *testing.T, stack *servicetest.Stack) {
	t.Helper()
	if n := count(t, stack, "auth.river_job WHERE kind = 'firebase_intent' AND args::text ~ '(?i)password|code|hash'"); n != 0 {
		t.Errorf("T6: %d jobs hold a secret", n)
	}
}
