package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/servicetest"
)

const finalize = "mfaSignIn:finalize"

type authenticator struct{ factorID, secret string }

func enroll(t testing.TB, s *servicetest.Service, uid string) authenticator {
	t.Helper()
	factorID, secret, err := s.Identity.EnrollTOTP(uid, "an app")
	if err != nil {
		t.Fatal(err)
	}
	return authenticator{factorID, secret}
}

// code returns the code some 30 s steps from now. The provider accepts one before and after, each once.
func (a authenticator) code(t testing.TB, step int) string {
	t.Helper()
	code, err := identity.TOTP(a.secret, time.Now().Add(time.Duration(step)*30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func (a authenticator) wrongCode(t testing.TB) string {
	t.Helper()
	code := []byte(a.code(t, 0))
	code[0] = '0' + (code[0]-'0'+5)%10
	return string(code)
}

func due(t testing.TB, what string, answer reply) client.MFAChallenge {
	t.Helper()
	answer.expect(t, what, http.StatusUnauthorized, "mfa_required")
	var envelope client.Failure
	if err := json.Unmarshal(answer.body, &envelope); err != nil || envelope.MFA == nil || envelope.MFA.PendingCredential == "" {
		t.Fatalf("A11: %s: nothing finishes this: %s", what, answer.body)
	}
	return *envelope.MFA
}

func begin(t testing.TB, s *servicetest.Service, email string) client.MFAChallenge {
	t.Helper()
	return due(t, "login", ask(t, s, http.MethodPost, "/v1/auth/login", registerBody(t, email, servicetest.Password)))
}

func finish(t testing.TB, s *servicetest.Service, pending, factorID, code string, header ...string) reply {
	t.Helper()
	body := jsonOf(t, map[string]string{"pendingCredential": pending, "factorId": factorID, "code": code})
	return ask(t, s, http.MethodPost, "/v1/auth/login/mfa", body, header...)
}

// A wrong code leaves the sign-in open, and a code works once.
func TestMFA_FinishesASignIn_A11(t *testing.T) {
	t.Parallel()
	for _, home := range []string{"firebase", "hybrid"} {
		t.Run(home, func(t *testing.T) {
			t.Parallel()
			s := servicetest.Start(t, trusts)
			o := homes[home](t, s)
			app := enroll(t, s, o.id.String())
			ask(t, s, "POST", "/v1/auth/login", registerBody(t, o.email, "WrongPassword1")).expect(t, "A3: a wrong password", 401, "invalid_credentials")
			challenge := begin(t, s, o.email)
			if len(challenge.Factors) != 1 || challenge.Factors[0].ID != app.factorID || challenge.Factors[0].Kind != "totp" ||
				challenge.Factors[0].Name == nil || *challenge.Factors[0].Name != "an app" {
				t.Errorf("A11: the factors are %+v, expected the one that was enrolled", challenge.Factors)
			}
			wrong := finish(t, s, challenge.PendingCredential, app.factorID, app.wrongCode(t))
			wrong.expect(t, "A11: a wrong code", 401, "invalid_credentials")
			expectMessage(t, "A11: a wrong code", wrong, "The code is wrong")
			code := app.code(t, 0)
			session := sessionOf(t, finish(t, s, challenge.PendingCredential, app.factorID, code), http.StatusOK)
			if session.Kind != "firebase" || session.User.ID != o.id || session.User.AuthProvider != home {
				t.Errorf("A11: answered %s of %s at %s, expected %s", session.Kind, session.User.ID, session.User.AuthProvider, o.id)
			}
			expectUser(t, s, "A11: the new session", session.IDToken)
			refresh(t, s, "/v1/auth/refresh", session.RefreshToken).expect(t, "A11: its refresh", 200, "")
			finish(t, s, challenge.PendingCredential, app.factorID, code).expect(t, "A11: a code that was used", 401, "invalid_credentials")
			ask(t, s, "POST", "/auth/login", registerBody(t, o.email, servicetest.Password)).expect(t, "A11: an old client", 401, "mfa_required")
			expectNoSecrets(t, s, challenge.PendingCredential, app.secret, servicetest.Password, o.email, session.IDToken, session.RefreshToken)
		})
	}
}

func TestMFA_GuessesAreCounted_A4(t *testing.T) {
	t.Parallel()
	s := limited(t)
	const stranger, owner = "203.0.113.9", "198.51.100.7"
	o := livesAtFirebase(t, s)
	app := enroll(t, s, o.id.String())
	pending := begin(t, s, o.email).PendingCredential
	guess := func(from, code string) reply {
		return finish(t, s, pending, app.factorID, code, "X-Forwarded-For", from)
	}
	for range 10 {
		guess(stranger, app.wrongCode(t)).expect(t, "a guess", 401, "invalid_credentials")
	}
	expectLimited(t, "A4: the next guess", guess(stranger, app.wrongCode(t)))
	expectLimited(t, "A4: the right code from there", guess(stranger, app.code(t, 0)))
	guess(owner, app.code(t, 0)).expect(t, "A4: the owner elsewhere", 200, "")
	login(t, s, owner, o.email, servicetest.Password).expect(t, "the password, whose guesses are others", 401, "mfa_required")
}

// Wrong credential or factor, too late, changed password, deleted account.
func TestMFA_SignInsThatAreNotOpen_A11(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	o, other := livesAtFirebase(t, s), livesAtFirebase(t, s)
	app, others := enroll(t, s, o.id.String()), enroll(t, s, other.id.String())
	pending := begin(t, s, o.email).PendingCredential
	closed := func(what string, answer reply) {
		t.Helper()
		answer.expect(t, "A11: "+what, 401, "token_invalid")
		expectMessage(t, "A11: "+what, answer, "This sign-in is no longer open; begin again")
	}
	closed("an invented credential", finish(t, s, "invented", app.factorID, app.code(t, 0)))
	closed("another's factor", finish(t, s, pending, others.factorID, others.code(t, 0)))
	closed("an invented factor", finish(t, s, pending, "invented", app.code(t, 0)))
	fault(t, s, identity.Fault{Match: finalize, Kind: "TOTP_CHALLENGE_TIMEOUT"})
	closed("more than five minutes", finish(t, s, pending, app.factorID, app.code(t, 0)))
	s.Identity.ClearFaults()
	s.Identity.RevokeSessions(o.id.String())
	closed("sessions that were ended since", finish(t, s, pending, app.factorID, app.code(t, 0)))
	pending = begin(t, s, o.email).PendingCredential
	s.Identity.DeleteUser(o.id.String())
	closed("an account that is gone", finish(t, s, pending, app.factorID, app.code(t, 0)))
}

func TestMFA_WhoMayNotSignIn_F9_A11(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	deactivated, blocked := livesAtFirebase(t, s), livesAtFirebase(t, s)
	app := enroll(t, s, deactivated.id.String())
	pending := begin(t, s, deactivated.email).PendingCredential
	execute(t, s.Stack, "UPDATE auth.users SET is_active = false WHERE id = $1", deactivated.id)
	finish(t, s, pending, app.factorID, app.wrongCode(t)).expect(t, "A3: a deactivated row and a wrong code", 401, "invalid_credentials")
	finish(t, s, pending, app.factorID, app.code(t, 0)).expect(t, "F9: a deactivated row", 403, "account_deactivated")

	app = enroll(t, s, blocked.id.String())
	pending = begin(t, s, blocked.email).PendingCredential
	for kind, code := range map[string]string{"BLOCKING_FUNCTION_ERROR_RESPONSE": "sign_in_blocked", "USER_DISABLED": "account_deactivated"} {
		fault(t, s, identity.Fault{Match: finalize, Kind: kind})
		finish(t, s, pending, app.factorID, app.code(t, 0)).expect(t, "A11: "+kind, 403, code)
		s.Identity.ClearFaults()
	}
}

func TestMFA_WhoGetsNoRow_F3_F6_F7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	for what, c := range map[string]struct {
		uid     string
		columns map[string]any
		status  int
		code    string
	}{
		"F3: a row that was never linked":  {newUID(), map[string]any{}, 409, "account_link_required"},
		"F7: the row of another account":   {newUID(), map[string]any{"firebase_uid": newUID()}, 409, "identity_conflict"},
		"F6: a uid that no row could have": {"short", nil, 422, "unsupported_identity"},
	} {
		email := servicetest.Email()
		if c.columns != nil {
			legacyRow(t, s.Stack, email, map[string]any{"auth_provider": "firebase", "password_hash": nil}, c.columns)
		}
		putUser(t, s.Stack, identity.User{UID: c.uid, Email: email, Password: servicetest.Password})
		app := enroll(t, s, c.uid)
		finish(t, s, begin(t, s, email).PendingCredential, app.factorID, app.code(t, 0)).expect(t, what, c.status, c.code)
	}
}

// When a request never reached Firebase, its code stays valid.
func TestMFA_Outages(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	wire, throughWire := netfault.URL(t, stack.DatabaseURL)
	s := stack.Start(t, map[string]string{"DATABASE_URL": throughWire})
	o := livesAtFirebase(t, s)
	app := enroll(t, s, o.id.String())
	pending := begin(t, s, o.email).PendingCredential
	for _, kind := range []string{identity.FaultUnavailable, identity.FaultCut} {
		fault(t, s, identity.Fault{Match: finalize, Kind: kind})
		finish(t, s, pending, app.factorID, app.code(t, -1)).expect(t, "Firebase away: "+kind, 503, "dependency_unavailable")
		s.Identity.ClearFaults()
	}
	fault(t, s, identity.Fault{Match: finalize, Kind: identity.FaultTooManyAttempts})
	expectLimited(t, "A4: Google's throttling", finish(t, s, pending, app.factorID, app.code(t, -1)))
	s.Identity.ClearFaults()
	wire.Cut()
	finish(t, s, pending, app.factorID, app.code(t, -1)).expect(t, "the database away", 503, "dependency_unavailable")
	wire.Restore()
	waitFor(t, 5*time.Second, "the database is back", func() bool {
		return ask(t, s, http.MethodGet, "/health/ready", "").status == http.StatusOK
	})
	sessionOf(t, finish(t, s, pending, app.factorID, app.code(t, 0)), http.StatusOK)
	mustExec(t, stack, "ALTER TABLE auth.users RENAME TO gone")
	finish(t, s, pending, app.factorID, app.code(t, 1)).expect(t, "the table away", 500, "internal")
}

// S4: the password alone is no recent sign-in.
func TestMFA_ChangeOfPassword_A10_A11(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	o := moved(t, s)
	app := enroll(t, s, o.id.String())
	stale := hourOld(t, s, o, time.Hour)
	before := fingerprint(t, s)
	changePassword(t, s, stale, "WrongPassword1", newPassword).expect(t, "A10: a wrong password", 401, "invalid_credentials")
	changePassword(t, s, stale, servicetest.Password, newPassword).expect(t, "A10: the password and no second factor", 401, "reauth_required")
	if fingerprint(t, s) != before || !opensAtFirebase(t, s.Stack, o.email, servicetest.Password) {
		t.Error("A10: a refused change has changed something")
	}
	challenge := due(t, "A11: a change", changePassword(t, s, o.tokens[0], "", newPassword))
	o.expectEnded(t, s)
	if !fits(t, s.Stack, o.id, newPassword) {
		t.Error("A7: the local hash has not followed")
	}
	session := sessionOf(t, finish(t, s, challenge.PendingCredential, app.factorID, app.code(t, 0)), http.StatusOK)
	expectUser(t, s, "A11: the new session", session.IDToken)
	ask(t, s, "POST", "/v1/auth/login", registerBody(t, o.email, servicetest.Password)).expect(t, "the old password", 401, "invalid_credentials")
	expectNoSecrets(t, s, challenge.PendingCredential, newPassword)
}

func TestMFA_ThePasswordFollows_A7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	o := moved(t, s)
	changeBehindOurBack(t, s.Stack, o.email, servicetest.Password, newPassword)
	app := enroll(t, s, o.id.String())
	login := func() reply {
		return ask(t, s, http.MethodPost, "/v1/auth/login", registerBody(t, o.email, newPassword))
	}
	fault(t, s, identity.Fault{Match: "accounts:lookup", Kind: identity.FaultUnavailable})
	due(t, "A7: a login, nobody being able to say whose password it is", login())
	s.Identity.ClearFaults()
	if !fits(t, s.Stack, o.id, servicetest.Password) {
		t.Error("A7: the local hash has followed a password of nobody knows whom")
	}
	pending := due(t, "A7: a login", login()).PendingCredential
	if !fits(t, s.Stack, o.id, newPassword) {
		t.Error("A7: the local hash has not followed")
	}
	sessionOf(t, finish(t, s, pending, app.factorID, app.code(t, 0)), http.StatusOK)
	pending = due(t, "the next login", login()).PendingCredential
	sessionOf(t, finish(t, s, pending, app.factorID, app.code(t, 1)), http.StatusOK)
}

// The Firebase SDK can finish an SMS factor, so it is named. Unknown factors are not.
func TestMFA_OtherKindsOfFactor_A11(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	host := signInAnswers(t, stack, map[string]any{
		"mfaPendingCredential": "a-pending-credential", "localId": uuid.NewString(),
		"mfaInfo": []map[string]any{
			{"mfaEnrollmentId": "one", "displayName": "my phone", "phoneInfo": "+*******1234"},
			{"mfaEnrollmentId": "two", "emailInfo": map[string]any{"emailAddress": "jane@example.com"}},
		},
	})
	s := stack.Start(t, map[string]string{"FIREBASE_AUTH_EMULATOR_HOST": host})
	challenge := begin(t, s, "factor@example.com")
	if len(challenge.Factors) != 1 || challenge.Factors[0].ID != "one" || challenge.Factors[0].Kind != "phone" {
		t.Errorf("A11: the factors are %+v, expected the phone alone", challenge.Factors)
	}
}

// signInAnswers is a proxy that answers each password sign-in alike.
func signInAnswers(t testing.TB, stack *servicetest.Stack, answer map[string]any) (host string) {
	t.Helper()
	location, err := url.Parse(stack.IdentityURL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(location)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, signIn) {
			proxy.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // the client may be gone
	}))
	t.Cleanup(front.Close)
	return front.Listener.Addr().String()
}
