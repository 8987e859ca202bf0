package e2e

import (
	"strings"
	"testing"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

func TestReturned_ARehashThatFailsFailsNoSignIn_M7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := returnedUser(t, s.Stack, email)
	execute(t, s.Stack, `CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''refused by the test''; END'`)
	execute(t, s.Stack, "CREATE TRIGGER refuse BEFORE UPDATE OF password_hash ON auth.users FOR EACH ROW EXECUTE FUNCTION public.refuse()")
	signInAs(t, s, "/v1/auth/login", email, firebasePassword).expect(t, "M7: the hash cannot be replaced", 200, "")
	if !keptFromFirebase(t, s.Stack, id) {
		t.Error("M7: Firebase's hash is gone")
	}
	execute(t, s.Stack, "DROP TRIGGER refuse ON auth.users")
	signInAs(t, s, "/v1/auth/login", email, firebasePassword).expect(t, "M7: the next sign-in", 200, "")
	expectRehashed(t, s, id, firebasePassword)
}

// A link keeps the hash that no bcrypt hash replaces.
func TestReturned_IsLinkedWithFirebasesPassword_F3_M7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	long := strings.Repeat("0123456789", 8)
	for _, byPassword := range []bool{true, false} {
		email := servicetest.Email()
		id := localUser(t, s.Stack, email, servicetest.Password)
		bringHome(t, s.Stack, id, cheapScrypt, long)
		token := s.Token(t, identity.User{Email: email, EmailVerified: !byPassword}, "google.com")
		if byPassword {
			link(t, s, token, servicetest.Password).expect(t, "F3: the password from before", 401, "invalid_credentials")
			if user := linkedTo(t, link(t, s, token, long)); user.ID != id {
				t.Errorf("F3: answered %s, expected %s", user.ID, id)
			}
		} else {
			expectUser(t, s, "the owner of the address", token)
		}
		expectShutOut(t, s, email, servicetest.Password)
		expectSignsIn(t, s, email, long)
		if !opensAtFirebase(t, s.Stack, email, long) {
			t.Error("A2: Firebase has not learnt the password")
		}
		expectShutOut(t, s, email, servicetest.Password)
	}
}

func TestReturned_ForgetsThePassword_A9(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	person := s.Person(t)
	email := *person.Email
	execute(t, s.Stack, "UPDATE auth.users SET auth_provider = 'local', password_hash = $2 WHERE id = $1", person.User.ID, hashOf(t, servicetest.Password))
	bringHome(t, s.Stack, person.User.ID, cheapScrypt, firebasePassword)
	answer := forgot(t, s, email)
	if answer.expect(t, "A9: forgot", 202, ""); string(answer.body) != mailBody {
		t.Errorf("A9: answered %s", answer.body)
	}
	reset(t, s, mailTo(t, s, "PASSWORD_RESET", email), newPassword).expect(t, "A9: reset", 200, "")
	expectSignsIn(t, s, email, newPassword)
	expectShutOut(t, s, email, firebasePassword)
	if keptFromFirebase(t, s.Stack, person.User.ID) || !fits(t, s.Stack, person.User.ID, newPassword) {
		t.Error("A7: the row does not keep the new password alone")
	}
}

// Where there is no legacy pair a local row that no move takes has no session.
func TestReturned_WithoutLegacyTokens_M7_A3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts, map[string]string{"LEGACY_TOKENS": "off"})
	email := servicetest.Email()
	returnedUser(t, s.Stack, email)
	signInAs(t, s, "/v1/auth/login", email, servicetest.Password).expect(t, "A3: the password from before", 401, "invalid_credentials")
	signInAs(t, s, "/v1/auth/login", email, firebasePassword).expect(t, "M7: Firebase's password", 422, "unsupported_identity")
}

// The former password opens the account neither here nor at Firebase. A Firebase that is away does not keep the user from a new one.
func TestReturned_ANewPasswordReachesFirebase_M7_T4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	c := newCrowd(t, s.Stack, 2)
	execute(t, s.Stack, "UPDATE auth.rollout SET traffic_buckets = 10000")
	expectUsers(t, s.Stack, 0, "2 moved", "move", "--yes")
	expectUsers(t, s.Stack, 0, "2 returned", "return", "--yes")
	for i, p := range c.people {
		if i == 1 {
			if err := s.Identity.AddFaults(identity.Fault{Match: "accounts:update", Kind: identity.FaultHang}); err != nil {
				t.Fatal(err)
			}
		}
		session := newLogin(t, s, p.email, p.password)
		changePassword(t, s, session.IDToken, p.password, newPassword).expect(t, "M7: a new password", 200, "")
		if got := opensAtFirebase(t, s.Stack, p.email, p.password); got != (i == 1) {
			t.Errorf("M7: the former password opens the account at Firebase: %v", got)
		}
		expectSignsIn(t, s, p.email, newPassword)
	}
}
