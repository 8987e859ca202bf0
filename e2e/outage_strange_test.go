package e2e

import (
	"net/http"
	"slices"
	"testing"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

// A redirect, a proxy's page, a refusal of our credentials and an empty success each give 503. The same requests succeed afterwards.
func TestOutage_FirebaseAnswersStrangely(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	s := stack.Start(t)
	operator := newAdmin(t, stack)
	person := livesAtFirebase(t, s)
	bearer := authorized(person.tokens[0])
	post := func(path string, body map[string]string, header ...string) func() timed {
		return func() timed { return askTimed(t, s, http.MethodPost, path, jsonOf(t, body), header...) }
	}
	newcomer := map[string]string{"email": servicetest.Email(), "password": servicetest.Password}
	operations := map[string]func() timed{
		"register":        post("/v1/auth/register", newcomer),
		"legacy register": post("/auth/register", map[string]string{"email": servicetest.Email(), "password": servicetest.Password}),
		"login":           post("/v1/auth/login", map[string]string{"email": person.email, "password": servicetest.Password}),
		"legacy login":    post("/auth/login", map[string]string{"email": person.email, "password": servicetest.Password}),
		"login of a stranger": post("/v1/auth/login", map[string]string{
			"email": servicetest.Email(), "password": servicetest.Password,
		}),
		"login/mfa": post("/v1/auth/login/mfa", map[string]string{"pendingCredential": "pending", "factorId": "factor", "code": "123456"}),
		"refresh":   post("/v1/auth/refresh", map[string]string{"refreshToken": person.firebaseTokens[0]}),
		"forgot":    post("/v1/auth/password/forgot", map[string]string{"email": person.email}),
		"reset":     post("/v1/auth/password/reset", map[string]string{"code": "code-of-a-mail", "newPassword": newPassword}),
		"change":    post("/v1/auth/password/change", map[string]string{"newPassword": newPassword}, bearer...),
		"verify":    func() timed { return askTimed(t, s, http.MethodPost, "/v1/auth/email/verify", "", bearer...) },
		"confirm":   post("/v1/auth/email/verify/confirm", map[string]string{"code": "code-of-a-mail"}),
		"delete":    func() timed { return askTimed(t, s, http.MethodDelete, "/v1/auth/me", "", bearer...) },
		"admin sync": func() timed {
			return timed{reply: operator.ask(t, s, http.MethodPost, userPath(person.id)+"/sync", "")}
		},
		"admin e-mail": func() timed {
			return timed{reply: operator.ask(t, s, http.MethodPatch, userPath(person.id), jsonOf(t, map[string]string{"email": servicetest.Email()}))}
		},
	}
	const page = `<!DOCTYPE html><html><body>Sign in to the network</body></html>`
	for name, strange := range map[string]identity.Fault{
		"302":        {Status: 302},
		"401":        {Status: 401, Body: page},
		"403":        {Status: 403, Body: `{"error":{"code":403,"message":"The caller does not have permission","status":"PERMISSION_DENIED"}}`, ContentType: "application/json"},
		"404":        {Status: 404, Body: page},
		"200 HTML":   {Body: page},
		"200 null":   {Body: "null", ContentType: "application/json"},
		"200 tokens": {Body: `{"localId":"x","idToken":"garbage","refreshToken":"garbage","expiresIn":"3600","id_token":"garbage","refresh_token":"garbage","expires_in":"3600","user_id":"x","users":1}`, ContentType: "application/json"},
	} {
		strange.Kind, strange.Match = identity.FaultAnswer, "googleapis.com/"
		if err := s.Identity.AddFaults(strange); err != nil {
			t.Fatal(err)
		}
		for operation, do := range operations {
			if name == "200 tokens" && slices.Contains([]string{"forgot", "verify", "delete"}, operation) {
				continue // any object answers a mail or a deletion
			}
			do().expectOutage(t, operation+", Firebase answers "+name, handlerLimit)
		}
		s.Identity.ClearFaults()
	}
	for _, operation := range []string{"register", "login", "legacy login", "refresh", "verify", "admin sync", "delete"} {
		if answer := operations[operation](); answer.status < 200 || answer.status > 299 {
			t.Errorf("%s, Firebase back: %d %s", operation, answer.status, answer.body)
		}
	}
}
