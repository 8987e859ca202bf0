package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/redis/go-redis/v9"

	"auth-v2-service/internal/testkit/servicetest"
)

// Such requests do not use up the user's sign-ins.
func TestStrangers_SpendNoSignIns_A4(t *testing.T) {
	t.Parallel()
	s := limited(t)
	execute(t, s.Stack, "UPDATE auth.rollout SET new_users = 'local'")
	for what, ask := range map[string]func(email, from string) reply{
		"forgot": func(email, from string) reply { return forgot(t, s, email, "X-Forwarded-For", from) },
		"register": func(email, from string) reply {
			return ask(t, s, http.MethodPost, "/v1/auth/register", registerBody(t, email, "StrangersPassword1"), "X-Forwarded-For", from)
		},
	} {
		email := servicetest.Email()
		localUser(t, s.Stack, email, servicetest.Password)
		execute(t, s.Stack, "UPDATE auth.users SET created_at = now() - interval '1 day' WHERE email = $1", email)
		for network := range 6 {
			for range 9 { // 54 in total; the limit is 50
				ask(email, fmt.Sprintf("198.51.100.%d", network))
			}
		}
		login(t, s, "203.0.113.77", email, servicetest.Password).expect(t, "A4: the person, after strangers' "+what, 200, "")
	}
}

// The other instance reads it from PostgreSQL.
func TestKnownAddress_SurvivesAFlush_A4(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	first := stack.Start(t, limits)
	email := servicetest.Email()
	localUser(t, stack, email, servicetest.Password)
	const home = "203.0.113.78"
	login(t, first, home, email, servicetest.Password).expect(t, "the first sign-in from home", 200, "")
	eventually(t, "the address is kept", func() bool { return count(t, stack, "auth.known_addresses") == 1 })

	options, err := redis.ParseURL(stack.RedisURL)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	if err := client.FlushDB(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	second := stack.Start(t, limits)
	for network := range 6 {
		for range 10 {
			login(t, second, fmt.Sprintf("198.51.100.%d", network), email, "WrongPassword1")
		}
	}
	expectLimited(t, "A4: the right password from an address that nobody knows", login(t, second, "192.0.2.1", email, servicetest.Password))
	login(t, second, home, email, servicetest.Password).expect(t, "A4: the right password from home", 200, "")
}
