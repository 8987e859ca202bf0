package e2e

import (
	"net/http"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

func TestHalfChanges_TheJobEndsNothingOfAfterTheChange_T4_A7(t *testing.T) {
	t.Parallel()
	for _, home := range []string{"hybrid", "firebase"} {
		for name, c := range map[string]struct {
			fault identity.Fault
			goOn  func(t *testing.T, s *servicetest.Service, o sessions) (tokens []string)
		}{
			"asked again, Firebase was away":          {identity.Fault{Kind: identity.FaultUnavailable}, askedAgain},
			"asked again, Firebase's answer was lost": {identity.Fault{Kind: identity.FaultCut, After: true}, askedAgain},
			"signed in with the new password": {identity.Fault{Kind: identity.FaultCut, After: true}, func(t *testing.T, s *servicetest.Service, o sessions) []string {
				time.Sleep(time.Second) // a session of the change's own second ends with it
				return []string{newLogin(t, s, o.email, newPassword).IDToken, legacyLogin(t, s, o.email, newPassword).AccessToken}
			}},
		} {
			t.Run(home+", "+name, func(t *testing.T) {
				t.Parallel()
				s := servicetest.Start(t, trusts)
				o := homes[home](t, s)
				c.fault.Match, c.fault.Count = "accounts:update", 1
				fault(t, s, c.fault)
				changePassword(t, s, o.tokens[0], "", newPassword).expect(t, "the change that is cut short", http.StatusServiceUnavailable, "dependency_unavailable")
				s.Identity.ClearFaults()
				after := c.goOn(t, s, o)
				eventually(t, "the job has looked", func() bool { return count(t, s.Stack, leftOver) == 0 })
				for _, token := range after {
					expectUser(t, s, "a session of after the change", token)
				}
				o.expectEnded(t, s)
				if home == "hybrid" && !fits(t, s.Stack, o.id, newPassword) {
					t.Error("A7: the local hash is not of the new password any more")
				}
			})
		}
	}
}

func askedAgain(t *testing.T, s *servicetest.Service, o sessions) []string {
	return []string{sessionOf(t, changePassword(t, s, o.tokens[0], "", newPassword), http.StatusOK).IDToken}
}

// O4: after the demotion the job stores only the address that Firebase has.
func TestHalfChanges_ADemotedOperatorsChangeIsNotCompleted_O4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	operator, person, address := newAdmin(t, s.Stack), s.Person(t), servicetest.Email()
	fault(t, s, identity.Fault{Match: "accounts:update", Kind: identity.FaultCut, After: true, Count: 1})
	operator.ask(t, s, http.MethodPatch, "/v1/admin/users/"+person.User.ID.String(), jsonOf(t, map[string]any{"email": address, "user_type": "admin"})).
		expect(t, "the change that is cut short", http.StatusServiceUnavailable, "dependency_unavailable")
	s.Identity.ClearFaults()
	execute(t, s.Stack, "UPDATE auth.users SET user_type = 'user' WHERE id = $1", operator.id)
	eventually(t, "the job has looked", func() bool { return count(t, s.Stack, leftOver) == 0 })
	if n := count(t, s.Stack, "auth.users WHERE id = $1 AND user_type = 'user' AND email = $2", person.User.ID, address); n != 1 {
		t.Error("O4: a demoted operator's change was completed, or the address has not followed")
	}
}
