package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

// A4, A11: guesses count across sign-ins and addresses.
func TestAttack_CodesOfASecondFactorAreNotTriedThrough_A4_A11(t *testing.T) {
	t.Parallel()
	s := limited(t)
	person := s.Person(t)
	factor, secret, err := s.Identity.EnrollTOTP(person.UID, "phone")
	if err != nil {
		t.Fatal(err)
	}
	const stranger, owner = "203.0.113.9", "198.51.100.7"
	begin := func(from string) string {
		var challenge struct {
			MFA struct{ PendingCredential string }
		}
		answer := login(t, s, from, *person.Email, servicetest.Password)
		if err := json.Unmarshal(answer.body, &challenge); err != nil || challenge.MFA.PendingCredential == "" {
			t.Fatalf("login answered %d %s", answer.status, answer.body)
		}
		return challenge.MFA.PendingCredential
	}
	finish := func(from, pending, code string) reply {
		body := jsonOf(t, map[string]string{"pendingCredential": pending, "factorId": factor, "code": code})
		return ask(t, s, http.MethodPost, "/v1/auth/login/mfa", body, "X-Forwarded-For", from)
	}
	code, err := identity.TOTP(secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	finish(owner, begin(owner), code).expect(t, "the owner", 200, "")
	wrong := func(i int) string { return fmt.Sprintf("%06d", i) }
	for i := range 10 {
		finish(stranger, begin(stranger), wrong(i)).expect(t, "a guess", 401, "invalid_credentials")
	}
	expectLimited(t, "A4: the next guess from there", finish(stranger, begin(stranger), wrong(11)))
	limited := 0
	pending := begin(stranger)
	for i := range 60 {
		if finish(fmt.Sprintf("203.0.113.%d", 100+i), pending, wrong(i)).status == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited == 0 {
		t.Error("A4: guesses from 60 addresses were all let through")
	}
	next, err := identity.TOTP(secret, time.Now().Add(30*time.Second)) // a code is valid once
	if err != nil {
		t.Fatal(err)
	}
	finish(owner, begin(owner), next).expect(t, "A4: the owner, meanwhile", 200, "")
}
