package e2e

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

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

// Registering is no sign-in, even with the right password.
func TestRegister_AddressOfAnAccountMadeElsewhere_A1(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	uid, err := s.Identity.PutUser(identity.User{Email: email, Password: servicetest.Password})
	if err != nil {
		t.Fatal(err)
	}
	for _, password := range []string{"AnotherPassword1", servicetest.Password} {
		ask(t, s, "POST", "/v1/auth/register", registerBody(t, email, password)).expect(t, "register", 409, "email_taken")
		if rows := countRows(t, s.Stack, "true"); rows != 0 {
			t.Errorf("%d rows hold an address that was refused, expected none", rows)
		}
	}
	ask(t, s, "POST", "/v1/auth/login", registerBody(t, email, servicetest.Password)).expect(t, "the owner's login", 200, "")
	if countRows(t, s.Stack, "email = $1 AND firebase_uid = $2", email, uid) != 1 {
		t.Error("the owner has no row")
	}
}

// Ended sessions cost a wait; a deletion asks for a retry.
func TestRegister_ChangedWhileItIsMade_A1(t *testing.T) {
	t.Parallel()
	register := func(t *testing.T, disturb func(t *testing.T, s *servicetest.Service, email string)) (first, again reply) {
		t.Helper()
		s := servicetest.NewStack(t).Start(t)
		email := servicetest.Email()
		fault(t, s, identity.Fault{Match: signIn, Kind: identity.FaultDelay, Delay: time.Second, After: true, Count: 1})
		answered := make(chan reply, 1)
		ask := func() reply {
			return ask(t, s, http.MethodPost, "/v1/auth/register", registerBody(t, email, servicetest.Password))
		}
		go func() { answered <- ask() }()
		eventually(t, "signing in", func() bool {
			account, _ := s.Identity.UserByEmail(email)
			return !account.LastLoginAt.IsZero()
		})
		disturb(t, s, email)
		return <-answered, ask()
	}
	t.Run("its sessions are ended", func(t *testing.T) {
		t.Parallel()
		first, _ := register(t, func(t *testing.T, s *servicetest.Service, email string) {
			t.Helper()
			execute(t, s.Stack, "UPDATE auth.users SET tokens_valid_after = date_trunc('second', now()) + interval '2 seconds' WHERE email = $1", email)
		})
		first.expect(t, "A1: registered while its sessions are ended", http.StatusCreated, "")
	})
	t.Run("it is deleted", func(t *testing.T) {
		t.Parallel()
		first, again := register(t, func(t *testing.T, s *servicetest.Service, email string) {
			t.Helper()
			execute(t, s.Stack, `WITH gone AS (DELETE FROM auth.users WHERE email = $1 RETURNING id)
				INSERT INTO auth.tombstones SELECT id, id::text, now() + interval '2 seconds' FROM gone`, email)
			account, _ := s.Identity.UserByEmail(email)
			s.Identity.DeleteUser(account.UID)
		})
		first.expect(t, "A1: registered while it is deleted", http.StatusServiceUnavailable, "dependency_unavailable")
		again.expect(t, "A1: the next try", http.StatusCreated, "")
	})
}
