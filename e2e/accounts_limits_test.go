package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/servicetest"
)

// limited trusts X-Forwarded-For from 127.0.0.1.
func limited(t *testing.T) *servicetest.Service {
	t.Helper()
	return servicetest.Start(t, limits)
}

var limits = map[string]string{"RATE_LIMIT": "on", "TRUSTED_PROXIES": "127.0.0.1/32", "LOGIN_FAILURE_MS": "1"}

func login(t *testing.T, s *servicetest.Service, from, email, password string) reply {
	t.Helper()
	return ask(t, s, "POST", "/v1/auth/login", registerBody(t, email, password), "X-Forwarded-For", from)
}

func expectLimited(t *testing.T, what string, answer reply) {
	t.Helper()
	answer.expect(t, what, http.StatusTooManyRequests, "rate_limited")
	if seconds, err := strconv.Atoi(answer.header.Get("Retry-After")); err != nil || seconds < 1 {
		t.Errorf("%s: Retry-After is %q, expected seconds", what, answer.header.Get("Retry-After"))
	}
}

// untilLimited returns the first refusal: a later request may pass again.
func untilLimited(t *testing.T, most int, ask func() reply) (refusal reply, allowed int) {
	t.Helper()
	for ; allowed < most; allowed++ {
		if refusal = ask(); refusal.status == http.StatusTooManyRequests {
			return refusal, allowed
		}
	}
	t.Fatalf("%d in a row were let through, the last with %d", most, refusal.status)
	return refusal, allowed
}

func TestLimits_RedisFalters_A4(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	wire, url := netfault.URL(t, stack.RedisURL)
	s := stack.Start(t, limits, map[string]string{"REDIS_URL": url})
	email := servicetest.Email()
	guess := func(times int) {
		for range times {
			login(t, s, "203.0.113.9", email, "WrongPassword1").expect(t, "a guess", 401, "invalid_credentials")
		}
	}
	guess(4)
	wire.Hang()
	guess(4)
	wire.Restore()
	elsewhere := 0
	waitFor(t, 10*time.Second, "limits are shared again", func() bool {
		elsewhere++
		login(t, s, fmt.Sprintf("198.51.100.%d", elsewhere%256), servicetest.Email(), "WrongPassword1")
		return strings.Contains(s.Log.String(), "limits are shared through Redis again")
	})
	guess(2)
	expectLimited(t, "A4: the eleventh guess", login(t, s, "203.0.113.9", email, "WrongPassword1"))
}

// A4: ten wrong passwords limit one address for one e-mail.
func TestLimits_StrangerIsSlowedAndOwnerIsNot_A4(t *testing.T) {
	t.Parallel()
	s := limited(t)
	session := s.Person(t)
	const stranger, owner = "203.0.113.9", "198.51.100.7"
	login(t, s, owner, *session.Email, servicetest.Password).expect(t, "the owner's first login", 200, "")
	for range 10 {
		login(t, s, stranger, *session.Email, "WrongPassword1").expect(t, "a stranger's guess", 401, "invalid_credentials")
	}
	expectLimited(t, "the stranger's next guess", login(t, s, stranger, *session.Email, "WrongPassword1"))
	expectLimited(t, "the right password from there", login(t, s, stranger, *session.Email, servicetest.Password))
	expectLimited(t, "register from there", ask(t, s, "POST", "/v1/auth/register",
		registerBody(t, *session.Email, "WrongPassword1"), "X-Forwarded-For", stranger))
	stale := staleToken(t, s, session.UID, *session.Email)
	expectLimited(t, "deleteMe from there", ask(t, s, "DELETE", "/v1/auth/me", `{"currentPassword":"WrongPassword1"}`,
		"X-Forwarded-For", stranger, "Authorization", "Bearer "+stale))
	login(t, s, owner, *session.Email, servicetest.Password).expect(t, "the owner at a known address", 200, "")
	expectNoSecrets(t, s, servicetest.Password, *session.Email, session.IDToken, session.RefreshToken, stale)
}

func TestLimits_ManyStrangersDoNotLockTheOwnerOut_A4(t *testing.T) {
	t.Parallel()
	s := limited(t)
	session := s.Person(t)
	const owner = "198.51.100.7"
	login(t, s, owner, *session.Email, servicetest.Password).expect(t, "the owner's first login", 200, "")
	refused := 0
	for i := range 40 {
		if login(t, s, "203.0.113."+strconv.Itoa(i+1), *session.Email, "WrongPassword1").status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused == 0 {
		t.Error("40 strangers guessed at one e-mail within a minute and none was slowed, expected some to be")
	}
	login(t, s, owner, *session.Email, servicetest.Password).expect(t, "the owner at a known address", 200, "")
}

func TestLimits_ForwardedForFromStrangersIsIgnored_A4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, map[string]string{"RATE_LIMIT": "on", "LOGIN_FAILURE_MS": "1"})
	email := servicetest.Email()
	for i := range 10 {
		login(t, s, "203.0.113."+strconv.Itoa(i+1), email, "WrongPassword1").expect(t, "a guess", 401, "invalid_credentials")
	}
	expectLimited(t, "a guess from one more claimed address", login(t, s, "203.0.113.99", email, "WrongPassword1"))
}

func TestLimits_RegistrationsByAddress_A4(t *testing.T) {
	t.Parallel()
	s := limited(t)
	register := func(body string) reply {
		return ask(t, s, "POST", "/v1/auth/register", body, "X-Forwarded-For", "203.0.113.9")
	}
	refusal, allowed := untilLimited(t, 90, func() reply { return register(`{}`) })
	expectLimited(t, "a registration too many", refusal)
	if allowed < 60 {
		t.Errorf("%d registrations in a row were let through, expected 60 and what a minute's refill adds", allowed)
	}
	refusal, allowed = untilLimited(t, 10, func() reply { return register(registerBody(t, servicetest.Email(), servicetest.Password)) })
	expectLimited(t, "one registration more", refusal)
	if users := s.Identity.Users(); len(users) != allowed {
		t.Errorf("Firebase holds %d accounts, expected the %d that were let through: limits come before Google is asked", len(users), allowed)
	}
	ask(t, s, "POST", "/v1/auth/register", registerBody(t, servicetest.Email(), servicetest.Password), "X-Forwarded-For", "198.51.100.7").
		expect(t, "a registration from elsewhere", 201, "")
}

func TestLimits_GooglesThrottlingIs429_A4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	session := s.Person(t)
	for _, kind := range []string{identity.FaultTooManyAttempts, identity.FaultQuotaExceeded, identity.FaultTooManyRequests} {
		s.Identity.ClearFaults()
		fault(t, s, identity.Fault{Kind: kind})
		expectLimited(t, kind+" at login", ask(t, s, "POST", "/v1/auth/login", registerBody(t, *session.Email, servicetest.Password)))
		expectLimited(t, kind+" at refresh", ask(t, s, "POST", "/v1/auth/refresh", jsonOf(t, map[string]string{"refreshToken": session.RefreshToken})))
		expectLimited(t, kind+" at register", ask(t, s, "POST", "/v1/auth/register", registerBody(t, servicetest.Email(), servicetest.Password)))
	}
}
