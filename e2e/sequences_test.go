package e2e

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"auth-v2-service/internal/apikey"
	"auth-v2-service/internal/testkit/servicetest"
)

const sequencesAtATime = 5

func init() {
	for name, value := range map[string]string{"rapid.checks": strconv.Itoa(sequencesAtATime), "rapid.nofailfile": "true"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
}

// sequences reads SEQUENCES; default 40.
func sequences(t *testing.T) int {
	t.Helper()
	asked := os.Getenv("SEQUENCES")
	if asked == "" {
		return 40
	}
	n, err := strconv.Atoi(asked)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The rules: access (T4, T5, F9, F10, M9), password (A7), balance (W1 to W3), audit (O4), Firebase's final state (S1, S3).
func TestSequences_BreakNoRule(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	instances := []*servicetest.Service{stack.Start(t), stack.Start(t)}
	operator, _ := newKey(t, stack, apikey.Admin)
	names := slices.Sorted(maps.Keys(acts))
	for n := range (sequences(t) + sequencesAtATime - 1) / sequencesAtATime {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(r *rapid.T) {
				p := &play{drawn: drawn{t, r}, stack: stack, instances: instances, operator: operator}
				p.people = []*somebody{p.enter(false), p.enter(true)}
				for range rapid.IntRange(4, 16).Draw(r, "acts") {
					who := p.people[rapid.IntRange(0, len(p.people)-1).Draw(r, "who")]
					act := rapid.SampledFrom(names).Draw(r, "act")
					if who.gone && rapid.Bool().Draw(r, "comes again") {
						p.register(who)
					}
					acts[act](p, who)
					p.check(who)
				}
				for _, who := range p.people {
					p.settle(who)
				}
			})
		})
	}
}
