package e2e

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/servicetest"
)

func forgot(t testing.TB, s *servicetest.Service, email string, header ...string) reply {
	t.Helper()
	return ask(t, s, http.MethodPost, "/v1/auth/password/forgot", jsonOf(t, map[string]string{"email": email}), header...)
}

func reset(t testing.TB, s *servicetest.Service, code, password string) reply {
	t.Helper()
	return ask(t, s, http.MethodPost, "/v1/auth/password/reset", jsonOf(t, map[string]string{"code": code, "newPassword": password}))
}

func confirm(t testing.TB, s *servicetest.Service, code string) reply {
	t.Helper()
	return ask(t, s, http.MethodPost, "/v1/auth/email/verify/confirm", jsonOf(t, map[string]string{"code": code}))
}

func sendVerification(t testing.TB, s *servicetest.Service, token string) reply {
	t.Helper()
	return ask(t, s, http.MethodPost, "/v1/auth/email/verify", "", authorized(token)...)
}

// mailTo returns the code of the last unused mail, which may arrive after the answer.
func mailTo(t testing.TB, s *servicetest.Service, kind, email string) string {
	t.Helper()
	var mails []identity.Mail
	eventually(t, "a mail "+kind+" to "+email, func() bool {
		mails = mailsTo(s, kind, email)
		return len(mails) > 0
	})
	return mails[len(mails)-1].Code
}

func mailsTo(s *servicetest.Service, kind, email string) (found []identity.Mail) {
	return slices.DeleteFunc(s.Identity.Mails(), func(m identity.Mail) bool { return m.Type != kind || m.Email != email })
}

const mailBody = `{"message":"If this account exists, a mail is on its way","success":true}` + "\n"

// A local user is moved first.
func TestForgot_OneAnswer_A9(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	atFirebase, hybrid := livesAtFirebase(t, s), moved(t, s)
	movesEverybody(t, s.Stack)
	local, here := servicetest.Email(), servicetest.Email()
	id := localUser(t, s.Stack, local, servicetest.Password)
	localUser(t, s.Stack, here, servicetest.Password, map[string]any{"is_active": false})
	deactivated, disabled := livesAtFirebase(t, s), livesAtFirebase(t, s)
	execute(t, s.Stack, "UPDATE auth.users SET is_active = false WHERE id = $1", deactivated.id)
	s.Identity.SetDisabled(disabled.id.String(), true)
	for what, c := range map[string]struct {
		email string
		mails int
	}{
		"nobody":                      {"nobody@example.com", 0},
		"at Firebase":                 {atFirebase.email, 1},
		"moved":                       {hybrid.email, 1},
		"here":                        {local, 1},
		"here, and deactivated":       {here, 0},
		"at Firebase, deactivated":    {deactivated.email, 1},
		"disabled at Firebase itself": {disabled.email, -1},
	} {
		answer := forgot(t, s, c.email)
		answer.expect(t, "A9: forgot of somebody "+what, 202, "")
		if string(answer.body) != mailBody {
			t.Errorf("A9: somebody %s was answered %s", what, answer.body)
		}
		if c.mails > 0 {
			eventually(t, "A9: a mail to somebody "+what, func() bool { return len(mailsTo(s, "PASSWORD_RESET", c.email)) > 0 })
		}
		if n := len(mailsTo(s, "PASSWORD_RESET", c.email)); c.mails >= 0 && n != c.mails {
			t.Errorf("A9: %d mails to somebody %s, expected %d", n, what, c.mails)
		}
	}
	now := rowOf(t, s.Stack, "id = $1", id)
	if *now.Provider != "hybrid" || now.FirebaseUID == nil || *now.FirebaseUID != id.String() || !fits(t, s.Stack, id, servicetest.Password) {
		t.Errorf("A9: the local person was not moved: %+v", now)
	}
	if n := count(t, s.Stack, "auth.audit_events WHERE action = 'user.moved' AND user_id = $1 AND actor = 'anonymous'", id); n != 1 {
		t.Errorf("O4: the move is on record %d times as an anonymous caller's, expected once", n)
	}
	expectSignsIn(t, s, local, servicetest.Password) // the mail is unused
	reset(t, s, mailTo(t, s, "PASSWORD_RESET", local), newPassword).expect(t, "reset of who was moved", 200, "")
	expectShutOut(t, s, local, servicetest.Password)
	expectSignsIn(t, s, local, newPassword)
	expectNoSecrets(t, s, local, atFirebase.email, "nobody@example.com", newPassword)
}

// The time of a move would reveal an account.
func TestForgot_AnswersBeforeItMoves_A9(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	movesEverybody(t, s.Stack)
	email := servicetest.Email()
	localUser(t, s.Stack, email, servicetest.Password)
	fault(t, s, identity.Fault{Match: "accounts:batchCreate", Kind: identity.FaultDelay, Delay: 2 * time.Second})
	forgot(t, s, email).expect(t, "A9: forgot of somebody who is being moved", 202, "")
	if n := len(s.Identity.Users()) + len(s.Identity.Mails()); n != 0 {
		t.Errorf("A9: the answer has waited for the move")
	}
	eventually(t, "A9: the mail", func() bool { return len(mailsTo(s, "PASSWORD_RESET", email)) == 1 })
}

// Such a project reveals unknown and disabled addresses; the service does not.
func TestForgot_OneAnswerWithoutEnumerationProtection_A9(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	s.Identity.SetEnumerationProtection(false)
	disabled := livesAtFirebase(t, s)
	s.Identity.SetDisabled(disabled.id.String(), true)
	for what, email := range map[string]string{"nobody": "nobody@example.com", "somebody disabled": disabled.email} {
		answer := forgot(t, s, email)
		if answer.expect(t, "A9: forgot of "+what, 202, ""); string(answer.body) != mailBody {
			t.Errorf("A9: %s was answered %s", what, answer.body)
		}
	}
	movesEverybody(t, s.Stack)
	local := servicetest.Email()
	localUser(t, s.Stack, local, servicetest.Password)
	for _, kind := range []string{"QUOTA_EXCEEDED", identity.FaultUnavailable} { // only a move fails so
		fault(t, s, identity.Fault{Match: "accounts:batchCreate", Kind: kind})
		answer := forgot(t, s, local)
		if answer.expect(t, "A9: forgot of somebody who cannot be moved for "+kind, 202, ""); string(answer.body) != mailBody {
			t.Errorf("A9: %s was answered %s", kind, answer.body)
		}
		s.Identity.ClearFaults()
	}
	for _, kind := range []string{"USER_DISABLED", identity.FaultTooManyAttempts, identity.FaultQuotaExceeded} { // only an account's
		fault(t, s, identity.Fault{Match: "accounts:sendOobCode", Kind: kind})
		answer := forgot(t, s, disabled.email)
		if answer.expect(t, "A9: forgot where Firebase says "+kind, 202, ""); string(answer.body) != mailBody {
			t.Errorf("A9: %s was answered %s", kind, answer.body)
		}
		s.Identity.ClearFaults()
	}
}

func TestForgot_MovesNobodyWhoMayNotBe_M5_R2_R3(t *testing.T) {
	t.Parallel()
	for why, c := range map[string]struct {
		environment map[string]string
		rollout     string
	}{
		"M5: nobody has decided":    {nil, "traffic_buckets = 10000, users_buckets = 10000"},
		"R1: the rollout is at 0 %": {trusts, "traffic_buckets = 10000, users_buckets = 0"},
		"R2: below full traffic":    {trusts, "traffic_buckets = 9999, users_buckets = 10000"},
		"R3: an operator keeps it":  {trusts, "traffic_buckets = 10000, users_buckets = 10000, deny = ARRAY(SELECT id FROM auth.users)"},
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			s := servicetest.Start(t, c.environment)
			email := servicetest.Email()
			localUser(t, s.Stack, email, servicetest.Password)
			execute(t, s.Stack, "UPDATE auth.rollout SET "+c.rollout)
			before := fingerprint(t, s)
			answer := forgot(t, s, email)
			if answer.expect(t, "A9: forgot", 202, ""); string(answer.body) != mailBody {
				t.Errorf("A9: answered %s", answer.body)
			}
			if fingerprint(t, s) != before || len(s.Identity.Mails()) != 0 || len(s.Identity.Users()) != 0 {
				t.Error("somebody was moved, or a mail was sent")
			}
			legacyLogin(t, s, email, servicetest.Password)
		})
	}
}

// A9: the refusals are the same for every address.
func TestForgot_Refusals(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	wire, throughWire := netfault.URL(t, stack.DatabaseURL)
	s := stack.Start(t, map[string]string{"LEGACY_EMAIL_VERIFIED": "trust", "DATABASE_URL": throughWire})
	person := livesAtFirebase(t, s)
	local := servicetest.Email()
	localUser(t, s.Stack, local, servicetest.Password)
	for _, email := range []string{"jane", "x@users.noreply.invalid"} {
		answer := forgot(t, s, email)
		answer.expect(t, "forgot of "+email, 400, "invalid_request")
		expectField(t, "forgot of "+email, answer, "email")
	}
	emails := []string{person.email, local, "nobody@example.com"}
	fault(t, s, identity.Fault{Kind: identity.FaultUnavailable})
	for _, email := range emails {
		forgot(t, s, email).expect(t, "forgot while Firebase is away", 503, "dependency_unavailable")
	}
	s.Identity.ClearFaults()
	wire.Cut()
	for _, email := range emails {
		forgot(t, s, email).expect(t, "forgot while the database is away", 503, "dependency_unavailable")
	}
	wire.Restore()
	if len(s.Identity.Mails()) != 0 {
		t.Error("a refused request has sent a mail")
	}
}

// A9: also for unknown addresses.
func TestForgot_IsLimited_A4(t *testing.T) {
	t.Parallel()
	s := limited(t)
	person := s.Person(t)
	for what, email := range map[string]string{"somebody": *person.Email, "nobody": "nobody@example.com"} {
		from := map[string]string{"somebody": "203.0.113.9", "nobody": "203.0.113.10"}[what]
		for range 10 {
			forgot(t, s, email, "X-Forwarded-For", from).expect(t, "forgot of "+what, 202, "")
		}
		expectLimited(t, "A4: forgot of "+what+" once more", forgot(t, s, email, "X-Forwarded-For", from))
		forgot(t, s, email, "X-Forwarded-For", "198.51.100.7").expect(t, "forgot of "+what+" from elsewhere", 202, "")
	}
	if n := len(mailsTo(s, "PASSWORD_RESET", *person.Email)); n != 11 {
		t.Errorf("A4: %d mails, expected 11", n)
	}
}

// A9: the address may be another's mailbox.
func TestEmailVerification_IsLimited_A4(t *testing.T) {
	t.Parallel()
	s := limited(t)
	person := s.Person(t)
	send := func(from string) reply {
		return ask(t, s, http.MethodPost, "/v1/auth/email/verify", "", append(authorized(person.IDToken), "X-Forwarded-For", from)...)
	}
	for range 10 {
		send("203.0.113.9").expect(t, "verify", 202, "")
	}
	expectLimited(t, "A4: verify once more", send("203.0.113.9"))
	send("198.51.100.7").expect(t, "verify from elsewhere", 202, "")
}

func TestReset_EndsSessionsAndIsFollowed_T4_A7(t *testing.T) {
	t.Parallel()
	for _, home := range []string{"hybrid", "firebase"} {
		t.Run(home, func(t *testing.T) {
			t.Parallel()
			_, instances := twoInstances(t, trusts)
			s, elsewhere := instances[0], instances[1]
			o := homes[home](t, s)
			settle(t, elsewhere, o.tokens...)
			forgot(t, s, o.email).expect(t, "forgot", 202, "")
			code := mailTo(t, s, "PASSWORD_RESET", o.email)
			for _, password := range []string{"Passwor", servicetest.Password + "0123456789012345678901234567890123456789012345678901234567890"} {
				answer := reset(t, s, code, password)
				answer.expect(t, "A6: a weak password", 422, "weak_password")
				expectField(t, "A6: a weak password", answer, "newPassword")
			}
			o.expectAlive(t, s)
			reset(t, s, code, newPassword).expect(t, "reset", 200, "")
			o.expectEnded(t, s, elsewhere)
			reset(t, s, code, "AnotherPassword1").expect(t, "a code that was used", 401, "token_invalid")
			expectShutOut(t, s, o.email, servicetest.Password)
			expectShutOut(t, s, o.email, "AnotherPassword1")
			if followed := fits(t, s.Stack, o.id, newPassword); followed != (home == "hybrid") {
				t.Errorf("A7: the local hash is of the new password: %t", followed)
			}
			expectSignsIn(t, s, o.email, newPassword)
			expectNoSecrets(t, s, code, newPassword, o.email)
		})
	}
}

func TestReset_CodesThatDoNotCount(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	o := livesAtFirebase(t, s)
	sendVerification(t, s, o.tokens[0]).expect(t, "verify", 202, "")
	forgot(t, s, o.email).expect(t, "forgot", 202, "")
	verification, resetting := mailTo(t, s, "VERIFY_EMAIL", o.email), mailTo(t, s, "PASSWORD_RESET", o.email)
	const invalidWords, expiredWords = "The code is not valid", "The code has expired; ask for another"
	for what, c := range map[string]struct {
		refuse func(code string) reply
		code   string
	}{
		"reset with an invented code":           {func(code string) reply { return reset(t, s, code, newPassword) }, "invented"},
		"reset with the code of another mail":   {func(code string) reply { return reset(t, s, code, newPassword) }, verification},
		"confirm with an invented code":         {func(code string) reply { return confirm(t, s, code) }, "invented"},
		"confirm with the code of another mail": {func(code string) reply { return confirm(t, s, code) }, resetting},
	} {
		answer := c.refuse(c.code)
		answer.expect(t, what, 401, "token_invalid")
		expectMessage(t, what, answer, invalidWords)
	}
	fault(t, s, identity.Fault{Kind: "EXPIRED_OOB_CODE"})
	for what, answer := range map[string]reply{"reset": reset(t, s, resetting, newPassword), "confirm": confirm(t, s, verification)} {
		answer.expect(t, what+" with an expired code", 401, "token_expired")
		expectMessage(t, what, answer, expiredWords)
	}
	s.Identity.ClearFaults()
	for _, kind := range []string{"USER_NOT_FOUND", "USER_DISABLED", "EMAIL_EXISTS"} {
		fault(t, s, identity.Fault{Kind: kind})
		confirm(t, s, verification).expect(t, "confirm where Firebase says "+kind, 401, "token_invalid")
		if kind != "EMAIL_EXISTS" {
			reset(t, s, resetting, newPassword).expect(t, "reset where Firebase says "+kind, 401, "token_invalid")
		}
		s.Identity.ClearFaults()
	}
	o.expectAlive(t, s)
	expectSignsIn(t, s, o.email, servicetest.Password)
}

func expectMessage(t testing.TB, what string, answer reply, words string) {
	t.Helper()
	if said := messageOf(t, answer); said != words {
		t.Errorf("%s: said %q, expected %q", what, said, words)
	}
}

// S4: nothing changes, and the code stays valid.
func TestReset_Outages(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	wire, throughWire := netfault.URL(t, stack.DatabaseURL)
	s := stack.Start(t, map[string]string{"DATABASE_URL": throughWire, "LEGACY_EMAIL_VERIFIED": "trust"})
	o := moved(t, s)
	forgot(t, s, o.email).expect(t, "forgot", 202, "")
	code := mailTo(t, s, "PASSWORD_RESET", o.email)
	fault(t, s, identity.Fault{Kind: identity.FaultUnavailable})
	reset(t, s, code, newPassword).expect(t, "reset while Firebase is away", 503, "dependency_unavailable")
	confirm(t, s, code).expect(t, "confirm while Firebase is away", 503, "dependency_unavailable")
	s.Identity.ClearFaults()
	fault(t, s, identity.Fault{Kind: identity.FaultTooManyAttempts})
	expectLimited(t, "A4: Google's throttling at reset", reset(t, s, code, newPassword))
	expectLimited(t, "A4: Google's throttling at confirm", confirm(t, s, code))
	s.Identity.ClearFaults()
	o.expectAlive(t, s)
	wire.Cut()
	time.AfterFunc(500*time.Millisecond, wire.Restore)
	reset(t, s, code, newPassword).expect(t, "reset with the database back in time", 200, "")
	o.expectEnded(t, s)
	if !fits(t, stack, o.id, newPassword) {
		t.Error("A7: the local hash has not followed")
	}
	forgot(t, s, o.email).expect(t, "forgot", 202, "")
	code = mailTo(t, s, "PASSWORD_RESET", o.email)
	wire.Cut()
	askTimed(t, s, http.MethodPost, "/v1/auth/password/reset", jsonOf(t, map[string]string{"code": code, "newPassword": "ThirdPassword123"})).
		expectOutage(t, "reset with the database away", handlerLimit)
	wire.Restore()
	expectSignsIn(t, s, o.email, newPassword)
	reset(t, s, code, "ThirdPassword123").expect(t, "reset with the same code", 200, "")
	expectShutOut(t, s, o.email, newPassword)
	expectSignsIn(t, s, o.email, "ThirdPassword123")
	if !fits(t, stack, o.id, "ThirdPassword123") {
		t.Error("A7: the local hash has not followed the sign-in")
	}
}

func TestReset_NobodyCanSayWhose_S4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	o := moved(t, s)
	forgot(t, s, o.email).expect(t, "forgot", 202, "")
	code := mailTo(t, s, "PASSWORD_RESET", o.email)
	fault(t, s, identity.Fault{Match: "accounts:lookup", Kind: identity.FaultUnavailable})
	reset(t, s, code, newPassword).expect(t, "reset", 503, "dependency_unavailable")
	s.Identity.ClearFaults()
	o.expectAlive(t, s)
	expectSignsIn(t, s, o.email, servicetest.Password)
	reset(t, s, code, newPassword).expect(t, "reset with the same code", 200, "")
	o.expectEnded(t, s)
	expectSignsIn(t, s, o.email, newPassword)
}

// A local user is moved first; the session continues.
func TestEmailVerification_BothKinds_A9(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, map[string]string{"LEGACY_EMAIL_VERIFIED": "unverified"})
	fullTraffic(t, s.Stack)
	local := livesHere(t, s)
	for home, c := range map[string]struct {
		sessions
		token string
	}{
		"firebase":                     {livesAtFirebase(t, s), ""},
		"firebase, of an old client":   {livesAtFirebase(t, s), "legacy"},
		"local, which is moved first":  {local, ""},
		"hybrid, of the new client":    {moved(t, s), ""},
		"hybrid, of the client of old": {moved(t, s), "legacy"},
	} {
		token := c.tokens[0]
		if c.token == "legacy" {
			token = c.tokens[1]
		}
		answer := sendVerification(t, s, token)
		if answer.expect(t, "A9: verify of "+home, 202, ""); string(answer.body) != mailBody {
			t.Errorf("A9: %s was answered %s", home, answer.body)
		}
		code := mailTo(t, s, "VERIFY_EMAIL", c.email)
		if account, _ := s.Identity.UserByEmail(c.email); account.EmailVerified || account.UID != c.id.String() {
			t.Errorf("%s: before the confirmation Firebase has %+v", home, account)
		}
		confirm(t, s, code).expect(t, "confirm of "+home, 200, "")
		if account, _ := s.Identity.UserByEmail(c.email); !account.EmailVerified {
			t.Errorf("%s: the address is not verified", home)
		}
		confirm(t, s, code).expect(t, "confirm once more", 401, "token_invalid")
		expectUser(t, s, "the session of "+home, token)
		expectNoSecrets(t, s, code, c.email)
	}
	if now := rowOf(t, s.Stack, "id = $1", local.id); *now.Provider != "hybrid" {
		t.Errorf("A9: the local person is at %s, expected to have moved", *now.Provider)
	}
	expectSignsIn(t, s, local.email, servicetest.Password)
}

func TestEmailVerification_Refusals(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	ask(t, s, http.MethodPost, "/v1/auth/email/verify", `{"email":"x"}`, authorized(phoneToken(t, s))...).expect(t, "a body", 400, "invalid_request")
	sendVerification(t, s, phoneToken(t, s)).expect(t, "F5: a person without an e-mail", 422, "unsupported_identity")
	stays := livesHere(t, s)
	if answer := sendVerification(t, s, stays.tokens[0]); answer.status != 202 || len(mailsTo(s, "VERIFY_EMAIL", stays.email)) != 0 {
		t.Errorf("M5, A9: who may not be moved was answered %d, with mails %v", answer.status, mailsTo(s, "VERIFY_EMAIL", stays.email))
	}

	gone, nameless, disabled := livesAtFirebase(t, s), livesAtFirebase(t, s), livesAtFirebase(t, s)
	s.Identity.DeleteUser(gone.id.String())
	s.Identity.SetDisabled(disabled.id.String(), true)
	for i, kind := range []string{"a new client's", "an old client's"} {
		sendVerification(t, s, gone.tokens[i]).expect(t, "an account that is gone, "+kind, 401, "token_revoked")
		sendVerification(t, s, disabled.tokens[i]).expect(t, "an account that is disabled, "+kind, 403, "account_deactivated")
	}
	fault(t, s, identity.Fault{Match: "accounts:sendOobCode", Kind: "MISSING_EMAIL"})
	sendVerification(t, s, nameless.tokens[0]).expect(t, "an account that has no address any more", 422, "unsupported_identity")
	s.Identity.ClearFaults()
	s.Identity.RevokeSessions(nameless.id.String())
	fault(t, s, identity.Fault{Match: "accounts:sendOobCode", Kind: "TOKEN_EXPIRED"})
	sendVerification(t, s, nameless.tokens[0]).expect(t, "a session that Firebase has ended", 401, "token_revoked")
	s.Identity.ClearFaults()
	for _, kind := range []string{identity.FaultUnavailable, identity.FaultCut} {
		fault(t, s, identity.Fault{Kind: kind})
		for _, token := range nameless.tokens {
			sendVerification(t, s, token).expect(t, "Firebase away", 503, "dependency_unavailable")
		}
		s.Identity.ClearFaults()
	}
	fault(t, s, identity.Fault{Match: "accounts:sendOobCode", Kind: identity.FaultTooManyAttempts})
	expectLimited(t, "A4: Google's throttling", sendVerification(t, s, nameless.tokens[0]))
}
