package e2e

import (
	"net/http"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

// The next sign-in updates the local hash.
func TestPasswordFollows_ChangedAtFirebase_A7(t *testing.T) {
	t.Parallel()
	for _, first := range surfaces {
		t.Run(first, func(t *testing.T) {
			t.Parallel()
			s := servicetest.Start(t, trusts)
			o := moved(t, s)
			changeBehindOurBack(t, s.Stack, o.email, servicetest.Password, newPassword)
			if !fits(t, s.Stack, o.id, servicetest.Password) {
				t.Fatal("the local hash has followed by itself, which this test is not about")
			}
			expectShutOut(t, s, o.email, servicetest.Password)
			if !fits(t, s.Stack, o.id, servicetest.Password) {
				t.Error("A7: a refused sign-in has changed the local hash")
			}
			ask(t, s, http.MethodPost, first, registerBody(t, o.email, newPassword)).expect(t, "the new password at "+first, 200, "")
			if !fits(t, s.Stack, o.id, newPassword) {
				t.Error("A7: the local hash has not followed")
			}
			expectShutOut(t, s, o.email, servicetest.Password)
			expectSignsIn(t, s, o.email, newPassword)
			expectNoSecrets(t, s, newPassword, o.email)
		})
	}
}

// bcrypt reads 72 bytes, so the hash becomes one that no password fits.
func TestPasswordFollows_LongerThanBcryptReads_A6_A7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	o := moved(t, s)
	long := newPassword + "0123456789012345678901234567890123456789012345678901234567890123456789"
	changeBehindOurBack(t, s.Stack, o.email, servicetest.Password, long)
	expectSignsIn(t, s, o.email, long)
	if hash := rowOf(t, s.Stack, "id = $1", o.id).Hash; hash == nil || *hash != "!" {
		t.Errorf("A7: the local hash is %v, expected one that no password fits", hash)
	}
	expectShutOut(t, s, o.email, long[:72])
}

// Otherwise the new owner of the address would return as the old user.
func TestPasswordFollows_OnlyItsOwnAccount_F7_A7(t *testing.T) {
	t.Parallel()
	for what, enter := range map[string]func(t *testing.T, s *servicetest.Service, email string){
		"a sign-in": func(t *testing.T, s *servicetest.Service, email string) {
			if session := newLogin(t, s, email, "NewcomersPassword1"); session.User.AuthProvider != "firebase" {
				t.Errorf("the newcomer was answered a row at %s", session.User.AuthProvider)
			}
		},
		"a reset": func(t *testing.T, s *servicetest.Service, email string) {
			forgot(t, s, email).expect(t, "forgot", 202, "")
			reset(t, s, mailTo(t, s, "PASSWORD_RESET", email), "NewcomersPassword1").expect(t, "reset", 200, "")
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := servicetest.Start(t, trusts)
			o := moved(t, s)
			if !s.Identity.SetEmail(o.id.String(), servicetest.Email(), true) {
				t.Fatal("the address was not changed")
			}
			putUser(t, s.Stack, identity.User{Email: o.email, EmailVerified: true, Password: "NewcomersPassword1"})
			enter(t, s, o.email)
			if !fits(t, s.Stack, o.id, servicetest.Password) || fits(t, s.Stack, o.id, "NewcomersPassword1") {
				t.Error("A7: the row has the password of another account")
			}
			o.expectAlive(t, s)
		})
	}
}

// A2: with a vouched address Firebase receives the local password. Otherwise a squatter could keep it.
func TestPasswordFollows_LinkedToAGoogleAccount_F3(t *testing.T) {
	t.Parallel()
	for setting, keeps := range map[string]bool{"trust": true, "unverified": false} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			s := servicetest.Start(t, map[string]string{"LEGACY_EMAIL_VERIFIED": setting})
			email := servicetest.Email()
			id := localUser(t, s.Stack, email, servicetest.Password)
			google := s.Token(t, identityUser(email), "google.com")
			if user := expectUser(t, s, "F3: the link by a verified address", google); user.ID != id {
				t.Fatalf("answered %s, expected %s", user.ID, id)
			}
			if !keeps {
				expectShutOut(t, s, email, servicetest.Password)
				if opensAtFirebase(t, s.Stack, email, servicetest.Password) {
					t.Error("F3: Firebase has learnt a password that nobody vouches for")
				}
				return
			}
			expectShutOut(t, s, email, "WrongPassword1")
			if opensAtFirebase(t, s.Stack, email, servicetest.Password) {
				t.Fatal("Firebase knows the password, which this test is not about")
			}
			if session := newLogin(t, s, email, servicetest.Password); session.Kind != "firebase" || session.User.ID != id {
				t.Errorf("answered %s of %s, expected firebase of %s", session.Kind, session.User.ID, id)
			}
			if !opensAtFirebase(t, s.Stack, email, servicetest.Password) {
				t.Error("A2: Firebase has not learnt the password")
			}
			expectSignsIn(t, s, email, servicetest.Password)
			changeBehindOurBack(t, s.Stack, email, servicetest.Password, newPassword)
			expectShutOut(t, s, email, servicetest.Password) // A7: Firebase's is newer
			expectSignsIn(t, s, email, newPassword)
			expectNoSecrets(t, s, servicetest.Password, newPassword, email)
		})
	}
}

// The local password counts as proof before Firebase has it.
func TestPasswordFollows_LinkedToAGoogleAccount_A10(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password)
	uid := newUID()
	if _, err := s.Identity.SignIn(t.Context(), identity.User{UID: uid, Email: email, EmailVerified: true}, "google.com"); err != nil {
		t.Fatal(err)
	}
	stale := mint(t, s.Stack, claims(uid, email, map[string]any{"auth_time": time.Now().Add(-time.Hour).Unix()}))
	if user := expectUser(t, s, "F3: the link by a verified address", stale); user.ID != id {
		t.Fatalf("answered %s, expected %s", user.ID, id)
	}
	changePassword(t, s, stale, "WrongPassword1", newPassword).expect(t, "A10: a wrong password", 401, "invalid_credentials")
	changePassword(t, s, stale, servicetest.Password, newPassword).expect(t, "A10: the local password", 200, "")
	expectShutOut(t, s, email, servicetest.Password)
	expectSignsIn(t, s, email, newPassword)
}

// A2: a later sign-in succeeds.
func TestPasswordFollows_LinkedToAGoogleAccount_FirebaseAway(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusts)
	email := servicetest.Email()
	localUser(t, s.Stack, email, servicetest.Password)
	expectUser(t, s, "F3: the link by a verified address", s.Token(t, identityUser(email), "google.com"))
	for _, operation := range []string{"accounts:lookup", "accounts:update"} {
		fault(t, s, identity.Fault{Match: operation, Kind: identity.FaultUnavailable})
		for _, path := range surfaces {
			ask(t, s, http.MethodPost, path, registerBody(t, email, servicetest.Password)).
				expect(t, path+" with "+operation+" away", 503, "dependency_unavailable")
			ask(t, s, http.MethodPost, path, registerBody(t, email, "WrongPassword1")).
				expect(t, path+" with a wrong password and "+operation+" away", 401, "invalid_credentials")
		}
		s.Identity.ClearFaults()
	}
	fault(t, s, identity.Fault{Match: "accounts:update", Kind: "WEAK_PASSWORD"})
	expectShutOut(t, s, email, servicetest.Password)
	s.Identity.ClearFaults()
	expectSignsIn(t, s, email, servicetest.Password)
}
