package e2e

import (
	"strconv"
	"sync"
	"testing"

	"auth-v2-service/internal/testkit/servicetest"
)

// registerAtOnce sends registrations of one e-mail at the same moment, alternating between instances.
func registerAtOnce(t *testing.T, instances []*servicetest.Service, email string, passwords ...string) []reply {
	t.Helper()
	replies := make([]reply, len(passwords))
	start := make(chan struct{})
	var all sync.WaitGroup
	for i, password := range passwords {
		all.Go(func() {
			<-start
			replies[i] = ask(t, instances[i%len(instances)], "POST", "/v1/auth/register", registerBody(t, email, password))
		})
	}
	close(start)
	all.Wait()
	return replies
}

// A1: a double click is one account, and both clicks are answered with a session of it.
func TestRegister_DoubleClickMakesOneAccount_A1(t *testing.T) {
	t.Parallel()
	for round := range 5 {
		t.Run(strconv.Itoa(round), func(t *testing.T) {
			t.Parallel()
			stack := servicetest.NewStack(t)
			instances := []*servicetest.Service{stack.Start(t), stack.Start(t)}
			email := servicetest.Email()
			for _, answer := range registerAtOnce(t, instances, email, servicetest.Password, servicetest.Password) {
				answer.expect(t, "a click", 201, "")
			}
			expectRegistered(t, instances[0], email, servicetest.Password)
		})
	}
}

// A1: of several people who want one address at once, exactly one gets it, and it is theirs whole.
func TestRegister_DifferentPasswordsOneWins_A1(t *testing.T) {
	t.Parallel()
	for round := range 5 {
		t.Run(strconv.Itoa(round), func(t *testing.T) {
			t.Parallel()
			stack := servicetest.NewStack(t)
			instances := []*servicetest.Service{stack.Start(t), stack.Start(t)}
			email := servicetest.Email()
			passwords := []string{"FirstPassword1", "SecondPassword2", "ThirdPassword3", "FourthPassword4"}
			won := ""
			for i, answer := range registerAtOnce(t, instances, email, passwords...) {
				if answer.status != 201 {
					answer.expect(t, "whoever came second", 409, "email_taken")
					continue
				}
				if won != "" {
					t.Errorf("both %s and %s were answered with a session", won, passwords[i])
				}
				won = passwords[i]
			}
			if won == "" {
				t.Fatal("nobody got the address")
			}
			expectRegistered(t, instances[0], email, won)
		})
	}
}
