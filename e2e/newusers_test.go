package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/testkit/programs"
	"auth-v2-service/internal/testkit/servicetest"
)

func sendNewUsers(t testing.TB, s *servicetest.Service, home client.UserHome) {
	t.Helper()
	newAdmin(t, s.Stack).set(t, s, func(c *client.RolloutChange) { c.NewUsers = home })
}

// Separate processes: the race detector makes hashing ten times slower.
func TestNewUsers(t *testing.T) {
	t.Parallel()
	binary := programs.Authd(t)
	for name, test := range map[string]func(*testing.T, []*servicetest.Service){
		"go where the rollout says (R4)":          newUsersGoWhereTheRolloutSays,
		"a lost answer can be had again (A1)":     aLostAnswerCanBeHadAgain,
		"fifty at once of an address, a row (A1)": fiftyAtOnceMakeOneRow,
		"usernames get a suffix (F4)":             usernamesGetASuffix,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := servicetest.NewStack(t)
			var instances []*servicetest.Service
			for range 2 {
				instances = append(instances, stack.Reach(t, launch(t, binary, stack, nil).awaitReady(t)))
			}
			test(t, instances)
		})
	}
}

// R4: a change applies from the next registration on every instance.
func newUsersGoWhereTheRolloutSays(t *testing.T, instances []*servicetest.Service) {
	stack := instances[0].Stack
	for _, home := range []client.UserHome{"local", "firebase"} {
		sendNewUsers(t, instances[0], home)
		for _, s := range instances {
			email := servicetest.Email()
			session := sessionOf(t, ask(t, s, "POST", "/v1/auth/register", registerBody(t, email, servicetest.Password)), 201)
			kind := map[client.UserHome]string{"firebase": "firebase", "local": "legacy"}[home]
			if session.Kind != kind || session.User.AuthProvider != string(home) {
				t.Errorf("R4: register answered %s of a %s user, expected %s of a %s one", session.Kind, session.User.AuthProvider, kind, home)
			}
			expectHome(t, stack, email, home, session.User.ID)
			expectUser(t, s, "the new session", session.IDToken)
			if again := newLogin(t, s, email, servicetest.Password); again.Kind != kind || again.User.ID != session.User.ID {
				t.Errorf("R4: login answered %s of %s, expected %s of %s", again.Kind, again.User.ID, kind, session.User.ID)
			}
			for _, prefix := range []string{"/auth", "/api/v1/auth"} {
				old := servicetest.Email()
				pair := pairOf(t, ask(t, s, "POST", prefix+"/register", registerBody(t, old, servicetest.Password)), 201)
				id := uuid.MustParse(payloadOf(t, pair.AccessToken)["id"].(string))
				expectHome(t, stack, old, home, id)
				expectUser(t, s, "the pair", pair.AccessToken)
				legacyLogin(t, s, old, servicetest.Password)
			}
		}
	}
}

func expectHome(t *testing.T, s *servicetest.Stack, email string, home client.UserHome, id uuid.UUID) {
	t.Helper()
	r := rowOf(t, s, "email = $1", email)
	account, there := s.Identity.UserByEmail(email)
	switch {
	case r.ID != id:
		t.Errorf("the session is %s's, and the row %s", id, r.ID)
	case *r.Status != "active" || *r.Provider != string(home):
		t.Errorf("R4: the row is %s and %s, expected %s", *r.Provider, *r.Status, home)
	case home == "local" && (there || r.FirebaseUID != nil || r.Hash == nil || !strings.HasPrefix(*r.Hash, "$2a$10$")):
		t.Errorf("R4: a local user's row has uid %v, hash %t; an account at Firebase: %t", r.FirebaseUID, r.Hash != nil, there)
	case home == "firebase" && (!there || account.UID != id.String() || r.Hash != nil):
		t.Errorf("R4: a new user at Firebase is not there as %s, or has a hash here", id)
	}
}

// A1: the same password returns the lost answer for a while.
func aLostAnswerCanBeHadAgain(t *testing.T, instances []*servicetest.Service) {
	s := instances[0]
	sendNewUsers(t, s, "local")
	email := servicetest.Email()
	first := sessionOf(t, ask(t, s, "POST", "/v1/auth/register", registerBody(t, email, servicetest.Password)), 201)
	again := sessionOf(t, ask(t, s, "POST", "/v1/auth/register", registerBody(t, email, servicetest.Password)), 201)
	if again.User.ID != first.User.ID || again.Kind != "legacy" {
		t.Errorf("A1: asked again, the answer is %s's of kind %s, expected %s's", again.User.ID, again.Kind, first.User.ID)
	}
	upper := strings.ToUpper(email)
	pair := pairOf(t, ask(t, s, "POST", "/auth/register", registerBody(t, upper, servicetest.Password)), 201)
	if payloadOf(t, pair.AccessToken)["id"] != first.User.ID.String() {
		t.Errorf("F2: %s is another's than %s", upper, email)
	}
	for _, path := range []string{"/v1/auth/register", "/auth/register", "/api/v1/auth/register"} {
		ask(t, s, "POST", path, registerBody(t, email, "AnotherPassword1")).expect(t, path+" with another password", 409, "email_taken")
	}
	execute(t, s.Stack, "UPDATE auth.users SET created_at = created_at - interval '11 minutes' WHERE email = $1", email)
	for _, path := range []string{"/v1/auth/register", "/auth/register"} {
		ask(t, s, "POST", path, registerBody(t, email, servicetest.Password)).expect(t, path+" a while later", 409, "email_taken")
	}
	newLogin(t, s, email, servicetest.Password)
	sendNewUsers(t, s, "firebase")
	ask(t, s, "POST", "/v1/auth/register", registerBody(t, email, servicetest.Password)).
		expect(t, "a local user's address where new ones go to Firebase", 409, "email_taken")
	if _, there := s.Identity.UserByEmail(email); there || count(t, s.Stack, "auth.users WHERE email = $1", email) != 1 {
		t.Error("A1: a refused registration made something")
	}
}

// A1: the first password owns the row.
func fiftyAtOnceMakeOneRow(t *testing.T, instances []*servicetest.Service) {
	stack := instances[0].Stack
	sendNewUsers(t, instances[0], "local")
	email := servicetest.Email()
	passwords := []string{"FirstPassword1", "SecondPassword2"}
	register := func(i int) reply {
		path := []string{"/v1/auth/register", "/api/v1/auth/register"}[i/2%2]
		return ask(t, instances[i/4%2], "POST", path, registerBody(t, email, passwords[i%2]))
	}
	answers := make([]reply, 50)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = register(i) })
	}
	all.Wait()
	made, late := [2]int{}, 0
	for i, answer := range answers {
		if answer.status == 503 { // hashing took too long on a busy machine
			late++
			answer = register(i)
		}
		switch answer.status {
		case 201:
			made[i%2]++
		default:
			answer.expect(t, "the other password", 409, "email_taken")
		}
	}
	t.Logf("of 50 at once %d had to ask again", late)
	if n := count(t, stack, "auth.users WHERE email = $1", email); n != 1 || made != [2]int{25, 0} && made != [2]int{0, 25} {
		t.Errorf("A1: %d rows; %v of 25 and 25 were answered with a session, expected all of one password's and none of the other's", n, made)
	}
}

func usernamesGetASuffix(t *testing.T, instances []*servicetest.Service) {
	stack := instances[0].Stack
	sendNewUsers(t, instances[0], "local")
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			path, field := "/v1/auth/register", "displayName"
			if i%2 == 1 {
				path, field = "/auth/register", "username"
			}
			body := jsonOf(t, map[string]string{"email": servicetest.Email(), "password": servicetest.Password, field: "Jane Doe"})
			ask(t, instances[i/2%2], "POST", path, body).expect(t, "register of a namesake", 201, "")
		})
	}
	all.Wait()
	plain := count(t, stack, "auth.users WHERE username = 'Jane Doe'")
	suffixed := count(t, stack, "auth.users WHERE username ~ '^Jane Doe-[a-z0-9]{5}$'")
	if plain != 1 || suffixed != 11 {
		t.Errorf("F4: %d have the name and %d one with a suffix, expected 1 and 11", plain, suffixed)
	}
	long := strings.Repeat("ä", 100)
	for range 2 {
		body := jsonOf(t, map[string]string{"email": servicetest.Email(), "password": servicetest.Password, "displayName": long})
		ask(t, instances[0], "POST", "/v1/auth/register", body).expect(t, "register with a long name", 201, "")
	}
	if n := count(t, stack, "auth.users WHERE username LIKE 'ää%' AND length(username) = 100"); n != 2 {
		t.Errorf("F4: %d of two long names have 100 characters", n)
	}
	none := servicetest.Email()
	ask(t, instances[0], "POST", "/v1/auth/register", registerBody(t, none, servicetest.Password)).expect(t, "register without a name", 201, "")
	if r := rowOf(t, stack, "email = $1", none); r.Username != nil {
		t.Errorf("F4: without a name the username is %q", fmt.Sprint(*r.Username))
	}
}
