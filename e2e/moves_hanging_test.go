package e2e

import (
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

// Each sign-in gets the legacy pair in time, and a later one moves the user.
func TestMoves_TheProviderHangs_A2(t *testing.T) {
	t.Parallel()
	for what, faults := range map[string][]identity.Fault{
		"before the import":                   {{Match: "batchCreate", Kind: identity.FaultHang}},
		"after the import":                    {{Match: "batchCreate", Kind: identity.FaultHang, After: true}},
		"after the import and at the look-up": {{Match: "batchCreate", Kind: identity.FaultUnavailable, After: true}, {Match: "lookup", Kind: identity.FaultHang}},
		"at the sign-in":                      {{Match: "signInWithPassword", Kind: identity.FaultHang}},
		"at everything":                       {{Kind: identity.FaultHang}},
		"late at everything":                  {{Kind: identity.FaultDelay, Delay: 3 * time.Second}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := servicetest.Start(t, trusting)
			c := newCrowd(t, s.Stack, 2)
			newAdmin(t, s.Stack).rollOut(t, s, 100)
			if err := s.Identity.AddFaults(faults...); err != nil {
				t.Fatal(err)
			}
			c.atOnce(func(i int, p localOne) {
				began := time.Now()
				kind := p.signIn(t, s, []string{"/v1/auth/login", "/auth/login"}[i])
				took := time.Since(began)
				if t.Logf("a %s session after %s", kind, took.Round(10*time.Millisecond)); kind != "legacy" || took > 8*time.Second {
					t.Errorf("A2: a %s session after %s, expected legacy within 8 s", kind, took)
				}
				p.signIn(t, s, "/v1/auth/login") // again, at once
			})
			s.Identity.ClearFaults()
			passLapse(t, s.Stack)
			c.atOnce(func(_ int, p localOne) { p.signInMoved(t, s, "A2: later") })
			c.expectWhereabouts(t, "later", everybody)
		})
	}
}

func TestMoves_TheProviderHangsAfterTheMove_A2_T4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	c := newCrowd(t, s.Stack, 1)
	newAdmin(t, s.Stack).rollOut(t, s, 100)
	execute(t, s.Stack, "UPDATE auth.users SET tokens_valid_after = date_trunc('second', now()) + interval '5 seconds' WHERE id = $1", c.people[0].id)
	if err := s.Identity.AddFaults(
		identity.Fault{Match: "batchCreate", Kind: identity.FaultDelay, Delay: 2 * time.Second},
		identity.Fault{Match: "signInWithPassword", Kind: identity.FaultDelay, Delay: time.Millisecond, Count: 1},
		identity.Fault{Match: "signInWithPassword", Kind: identity.FaultHang},
	); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if kind, took := c.people[0].signIn(t, s, "/v1/auth/login"), time.Since(began); kind != "legacy" || took > 8*time.Second {
		t.Errorf("A2: a %s session after %s, expected legacy within 8 s", kind, took)
	}
	s.Identity.ClearFaults()
	if kind := c.people[0].signIn(t, s, "/v1/auth/login"); kind != "firebase" {
		t.Errorf("A2: later a %s session, expected firebase", kind)
	}
	c.expectWhereabouts(t, "later", everybody)
}
