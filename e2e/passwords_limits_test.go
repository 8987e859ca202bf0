package e2e

import (
	"net/http"
	"strings"
	"testing"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

// passwordOperations have bodies that are refused before any call.
var passwordOperations = []struct{ operation, path, body string }{
	{"loginMfa", "/v1/auth/login/mfa", `{}`},
	{"linkAccount", "/v1/auth/link", `{}`},
	{"forgotPassword", "/v1/auth/password/forgot", `{}`},
	{"resetPassword", "/v1/auth/password/reset", `{}`},
	{"changePassword", "/v1/auth/password/change", `{}`},
	{"sendEmailVerification", "/v1/auth/email/verify", ""},
	{"confirmEmail", "/v1/auth/email/verify/confirm", `{}`},
}

func TestPasswordOperations_AreLimitedByAddress_A4(t *testing.T) {
	t.Parallel()
	s := limited(t)
	allowed := 0 // in total
	for _, o := range passwordOperations {
		asked := func(from string) reply { return ask(t, s, http.MethodPost, o.path, o.body, "X-Forwarded-For", from) }
		answer := asked("203.0.113.9")
		for ; allowed < 400 && answer.status != http.StatusTooManyRequests; allowed++ {
			answer = asked("203.0.113.9")
		}
		expectLimited(t, o.operation, answer)
		if allowed < 120 {
			t.Errorf("A4: %d requests were let through before %s was refused, expected 120 and what a minute's refill adds", allowed, o.operation)
		}
		if answer := asked("198.51.100.7"); answer.status == http.StatusTooManyRequests {
			t.Errorf("A4: %s is refused from elsewhere", o.operation)
		}
	}
}

// The table is renamed after Firebase's part.
func TestPasswordOperations_500TellsNothing(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	o := livesAtFirebase(t, s)
	forgot(t, s, o.email).expect(t, "forgot", 202, "")
	code := mailTo(t, s, "PASSWORD_RESET", o.email)
	mustExec(t, s.Stack, "ALTER TABLE auth.users RENAME TO gone")
	for what, answer := range map[string]reply{"forgot": forgot(t, s, o.email), "reset": reset(t, s, code, newPassword)} {
		answer.expect(t, what+" without the table", 500, "internal")
		expectMessage(t, what, answer, "Something went wrong on our side")
	}
	fault(t, s, identity.Fault{Kind: "OPERATION_NOT_ALLOWED"}) // a misconfigured project
	for what, answer := range map[string]reply{"reset": reset(t, s, code, newPassword), "confirm": confirm(t, s, code)} {
		answer.expect(t, what+" with a project that is set up wrongly", 503, "dependency_unavailable")
		expectMessage(t, what, answer, "The identity provider refused our request")
	}
	if !strings.Contains(s.Log.String(), "OPERATION_NOT_ALLOWED") {
		t.Error("Google's code is not in the log, expected it there")
	}
	expectNoSecrets(t, s, code, newPassword, o.email)
}
