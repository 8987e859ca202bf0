package identity_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"auth-v2-service/internal/devstack/identity"
)

func TestSignIn_ThroughAnyProvider(t *testing.T) {
	s := serve(t, identity.Options{})
	cases := []struct {
		provider   string
		user       identity.User
		identities object
	}{
		{"google.com", identity.User{Email: "g@example.com", EmailVerified: true, RawID: "42", DisplayName: "G"}, object{"google.com": []any{"42"}, "email": []any{"g@example.com"}}},
		{"phone", identity.User{Phone: "+15555550100"}, object{"phone": []any{"+15555550100"}}},
		{"anonymous", identity.User{}, object{}},
		{"custom", identity.User{UID: "my-own-uid", CustomClaims: object{"role": "x"}}, object{}},
	}
	for _, c := range cases {
		t.Run(c.provider, func(t *testing.T) {
			session, err := s.SignIn(t.Context(), c.user, c.provider)
			if err != nil {
				t.Fatal(err)
			}
			claims := verified(t, s, session.IDToken)
			equal(t, "firebase", claims["firebase"], any(object{"identities": c.identities, "sign_in_provider": c.provider}))
			again := s.refresh(session.RefreshToken).ok()
			equal(t, "provider after a refresh", verified(t, s, again.text("id_token"))["firebase"], claims["firebase"])
		})
	}
	again, err := s.SignIn(t.Context(), identity.User{Email: "G@example.com", EmailVerified: true}, "google.com")
	if err != nil {
		t.Fatal(err)
	}
	user, _ := s.UserByEmail("g@example.com")
	equal(t, "same account", again.UID, user.UID)
	equal(t, "users", len(s.Users()), 4)
	if _, err := s.SignIn(t.Context(), identity.User{UID: "another", Email: "g@example.com"}, "password"); err == nil {
		t.Error("one address, two accounts")
	}
}

func TestSignIn_OverHTTPWithATenant(t *testing.T) {
	s := serve(t, identity.Options{})
	in := s.do("POST", "/dev/signIn", object{"provider": "apple.com", "user": object{"email": "a@example.com", "tenant": "t-1"}}, "").ok()
	firebase, _ := verified(t, s, in.text("idToken"))["firebase"].(object)
	equal(t, "tenant", firebase["tenant"], any("t-1"))
	s.do("POST", "/dev/signIn", object{}, "").refused("MISSING_PROVIDER_ID")
}

func TestRecentLogin_IsNeededForPasswordAndDeletion(t *testing.T) {
	now := newClock()
	s := serve(t, identity.Options{Clock: now.Now})
	up := s.signUp("jane@example.com")
	now.Advance(6 * time.Minute)
	fresh := s.refresh(up.text("refreshToken")).ok().text("id_token") // a refresh is no sign-in
	s.client("accounts:update", object{"idToken": fresh, "password": "secret-2"}).refused("CREDENTIAL_TOO_OLD_LOGIN_AGAIN")
	s.client("accounts:delete", object{"idToken": fresh}).refused("CREDENTIAL_TOO_OLD_LOGIN_AGAIN")
	s.client("accounts:update", object{"idToken": fresh, "displayName": "Jane"}).ok()
	in := s.signIn("jane@example.com", "secret-1").ok()
	s.client("accounts:delete", object{"idToken": in.text("idToken")}).ok()
}

func TestIDToken_EndsAfterItsTime(t *testing.T) {
	now := newClock()
	s := serve(t, identity.Options{Clock: now.Now, TokenTTL: time.Minute})
	up := s.signUp("jane@example.com")
	equal(t, "expiresIn", up.text("expiresIn"), "60")
	now.Advance(time.Minute)
	s.client("accounts:lookup", object{"idToken": up.text("idToken")}).refused("TOKEN_EXPIRED")
}

func TestRevocation_ByTheWholeSecondAndByTheChange(t *testing.T) {
	now := newClock()
	s := serve(t, identity.Options{Clock: now.Now})
	up := s.signUp("jane@example.com")
	uid := up.text("localId")
	now.Advance(300 * time.Millisecond)
	validSince := fmt.Sprint(now.Now().Unix())
	s.admin("accounts:update", object{"localId": uid, "validSince": validSince}).ok()
	s.refresh(up.text("refreshToken")).ok() // Firebase counts seconds
	s.admin("accounts:update", object{"localId": uid, "password": "secret-2"}).ok()
	s.refresh(up.text("refreshToken")).refused("TOKEN_EXPIRED")
	in := s.signIn("jane@example.com", "secret-2").ok()
	s.refresh(in.text("refreshToken")).ok()
	now.Advance(time.Second)
	if !s.RevokeSessions(uid) {
		t.Fatal("no such user")
	}
	s.refresh(in.text("refreshToken")).refused("TOKEN_EXPIRED")
}

// The JavaScript SDK does this after a sign-up.
func TestUpdate_GivesTokensOfTheSameSession(t *testing.T) {
	now := newClock()
	now.Advance(400 * time.Millisecond)
	s := serve(t, identity.Options{Clock: now.Now})
	up := s.signUp("jane@example.com")
	now.Advance(time.Minute)
	changed := s.client("accounts:update", object{"idToken": up.text("idToken"), "displayName": "J", "returnSecureToken": true}).ok()
	again := s.refresh(changed.text("refreshToken")).ok()
	equal(t, "auth_time", verified(t, s, again.text("id_token"))["auth_time"], verified(t, s, up.text("idToken"))["auth_time"])
}

func TestThrottle_LocksTheAddressForAWhile(t *testing.T) {
	now := newClock()
	s := serve(t, identity.Options{Clock: now.Now, MaxFailures: 3, LockFor: time.Minute})
	s.signUp("jane@example.com")
	for range 3 {
		s.signIn("jane@example.com", "wrong-one").refused("INVALID_LOGIN_CREDENTIALS")
	}
	s.signIn("jane@example.com", "secret-1").refused("TOO_MANY_ATTEMPTS_TRY_LATER")
	now.Advance(time.Minute)
	s.signIn("jane@example.com", "secret-1").ok()
	s.signIn("jane@example.com", "wrong-one").refused("INVALID_LOGIN_CREDENTIALS")
	s.signIn("jane@example.com", "secret-1").ok()
}

func TestMailCode_Expires(t *testing.T) {
	now := newClock()
	s := serve(t, identity.Options{Clock: now.Now, CodeTTL: time.Minute})
	s.signUp("jane@example.com")
	s.client("accounts:sendOobCode", object{"requestType": "PASSWORD_RESET", "email": "jane@example.com"}).ok()
	code := s.Mails()[0].Code
	now.Advance(time.Minute)
	s.client("accounts:resetPassword", object{"oobCode": code, "newPassword": "secret-2"}).refused("EXPIRED_OOB_CODE")
	s.client("accounts:update", object{"oobCode": code}).refused("INVALID_OOB_CODE")
}

func TestMailLink_WorksInABrowser(t *testing.T) {
	s := serve(t, identity.Options{})
	up := s.signUp("jane@example.com")
	s.client("accounts:sendOobCode", object{"requestType": "VERIFY_EMAIL", "idToken": up.text("idToken")}).ok()
	s.client("accounts:sendOobCode", object{"requestType": "PASSWORD_RESET", "email": "jane@example.com"}).ok()
	mails := s.Mails()
	if len(mails) != 2 {
		t.Fatalf("mails are %v", mails)
	}
	for _, mail := range mails {
		s.do("GET", mail.Link[len(s.base):]+"&newPassword=secret-2", nil, "").ok()
	}
	user, _ := s.User(up.text("localId"))
	equal(t, "verified", user.EmailVerified, true)
	s.signIn("jane@example.com", "secret-2").ok()
}

func TestConcurrency_OneAccountAnAddress(t *testing.T) {
	s := serve(t, identity.Options{})
	hashed, err := bcrypt.GenerateFromPassword([]byte("secret-1"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	s.admin("accounts:batchCreate", object{"hashAlgorithm": "BCRYPT", "users": []object{
		{"localId": "imported", "email": "john@example.com", "passwordHash": encoded(hashed)},
	}}).ok()
	var made, signed sync.Map
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			if s.client("accounts:signUp", object{"email": "jane@example.com", "password": "secret-1"}).status == 200 {
				made.Store(i, true)
			}
		})
		group.Go(func() {
			in := s.signIn("john@example.com", "secret-1")
			if in.status == 200 && s.refresh(in.text("refreshToken")).status == 200 {
				signed.Store(i, true)
			}
		})
	}
	group.Wait()
	equal(t, "accounts made", count(&made), 1)
	equal(t, "users", len(s.Users()), 2)
	equal(t, "sign-ins", count(&signed), 50)
}

func count(m *sync.Map) int {
	n := 0
	m.Range(func(any, any) bool { n++; return true })
	return n
}
