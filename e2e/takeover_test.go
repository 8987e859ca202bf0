package e2e

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

func TestTakeover_UnprovenAddressOfAGoneAccount_F7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	person := s.Person(t)
	s.Identity.DeleteUser(person.UID)
	stranger := s.Token(t, identity.User{Email: *person.Email}, "password")
	if status, code, _ := s.Verify(t, stranger); status != http.StatusConflict || code != "identity_conflict" {
		t.Errorf("F7: the stranger was answered %d %s, expected 409 identity_conflict", status, code)
	}
	owner := s.Token(t, identity.User{Email: *person.Email, EmailVerified: true}, "google.com")
	if status, code, u := s.Verify(t, owner); status != http.StatusOK || u.ID != person.User.ID {
		t.Errorf("F7: who proves the address was answered %d %s with row %s, expected 200 with row %s", status, code, u.ID, person.User.ID)
	}
}

// Firebase had made no account yet, so its SDK may.
func TestTakeover_RegistrationThatNobodyWasBehind_F7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	fault(t, s, identity.Fault{Match: "/accounts", Kind: "503"})
	answer, err := s.API.RegisterWithResponse(t.Context(), client.RegisterInput{Email: email, Password: servicetest.Password})
	if err != nil || answer.StatusCode() != http.StatusServiceUnavailable {
		t.Fatalf("register while Firebase is away: %v %s", err, answer.Body)
	}
	s.Identity.ClearFaults()
	if status, code, _ := s.Verify(t, s.Token(t, identity.User{Email: email}, "password")); status != http.StatusOK {
		t.Errorf("F7: a sign-up after a dead registration was answered %d %s, expected 200", status, code)
	}
}

// Neither linking nor relinking enables them.
func TestTakeover_DisabledRowsStayDisabled_F9(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	unlinked := servicetest.Email()
	legacyRow(t, s.Stack, unlinked, map[string]any{"federation_status": "disabled"})
	gone := s.Person(t)
	s.Identity.DeleteUser(gone.UID)
	execute(t, s.Stack, "UPDATE auth.users SET federation_status = 'disabled' WHERE id = $1", gone.User.ID)
	for what, email := range map[string]string{"linking": unlinked, "relinking": *gone.Email} {
		status, code, _ := s.Verify(t, mint(t, s.Stack, claims(newUID(), email)))
		if status != http.StatusForbidden || code != "account_deactivated" {
			t.Errorf("F9: %s a disabled row was answered %d %s, expected 403 account_deactivated", what, status, code)
		}
	}
}

func TestTakeover_RegistrationInUse_A1(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	fault(t, s, identity.Fault{Match: "signInWithPassword", Kind: "503"})
	answer, err := s.API.RegisterWithResponse(t.Context(), client.RegisterInput{Email: email, Password: servicetest.Password})
	if err != nil || answer.StatusCode() != http.StatusServiceUnavailable {
		t.Fatalf("register while signing in is away: %v %s", err, answer.Body)
	}
	s.Identity.ClearFaults()
	owner, _ := s.Identity.UserByEmail(email)
	status, code, u := s.Verify(t, s.Token(t, identity.User{UID: owner.UID, Email: email}, "password"))
	if status != http.StatusOK {
		t.Fatalf("the owner was answered %d %s, expected 200", status, code)
	}
	eventually(t, "F8: being seen finishes the registration", func() bool { return *rowOf(t, s.Stack, "id = $1", u.ID).Status == "active" })

	s.Identity.DeleteUser(owner.UID)
	again, err := s.API.RegisterWithResponse(t.Context(), client.RegisterInput{Email: email, Password: "AttackerPass123"})
	if err != nil || again.StatusCode() != http.StatusConflict {
		t.Errorf("A1: a stranger's registration of an address in use was answered %d %s, expected 409", again.StatusCode(), again.Body)
	}
}

// It tries no password.
func TestTakeover_RegisterLocksNobodyOut_A4(t *testing.T) {
	t.Parallel()
	s := limited(t)
	person := s.Person(t)
	execute(t, s.Stack, "UPDATE auth.users SET created_at = now() - interval '1 day' WHERE id = $1", person.User.ID)
	for range 40 {
		ask(t, s, http.MethodPost, "/v1/auth/register", registerBody(t, *person.Email, "WrongPassword1"), "X-Forwarded-For", "203.0.113.9")
	}
	if answer := login(t, s, "198.51.100.7", *person.Email, servicetest.Password); answer.status != http.StatusOK {
		t.Errorf("A4: the owner was answered %d from a new address, expected 200", answer.status)
	}
}

func TestTakeover_ADisputeAsksFirebaseOnce_F7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	person := s.Person(t)
	token := mint(t, s.Stack, claims(newUID(), *person.Email))
	fault(t, s, identity.Fault{Match: "accounts:lookup", Kind: "delay", Delay: time.Millisecond})
	for range 20 {
		if status, code, _ := s.Verify(t, token); status != http.StatusConflict {
			t.Fatalf("F7: answered %d %s, expected 409", status, code)
		}
	}
	if asked := s.Identity.FaultHits()[0]; asked != 1 {
		t.Errorf("F7: Firebase was asked %d times for 20 requests, expected once", asked)
	}
}

func TestTakeover_VanishedRowIsRevoked_F10(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	person := s.Person(t)
	settle(t, s, person.IDToken)
	execute(t, s.Stack, "DELETE FROM auth.users WHERE id = $1", person.User.ID)
	answer, err := s.API.LogoutWithResponse(t.Context(), servicetest.Bearer(person.IDToken))
	// A DELETE past the service leaves no tombstone: the token may make a row again.
	madeAnew := err == nil && answer.StatusCode() == http.StatusOK
	if !madeAnew && (err != nil || answer.StatusCode() != http.StatusUnauthorized || servicetest.Code(answer.Body) != "token_revoked") {
		t.Errorf("logout of a vanished row: %v %s, expected 401 token_revoked", err, answer.Body)
	}
	if madeAnew {
		expectRefusal(t, s, "T4: the token that has logged out", person.IDToken, http.StatusUnauthorized, "token_revoked")
	}
}

func TestTakeover_DeleteIsBothOrNeither(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	person := s.Person(t)
	remove := func() int {
		answer, err := s.API.DeleteMeWithResponse(t.Context(), client.DeleteMeInput{}, servicetest.Bearer(person.IDToken))
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode()
	}
	execute(t, s.Stack, "CREATE TABLE public.orders (user_id uuid REFERENCES auth.users (id))")
	execute(t, s.Stack, "INSERT INTO public.orders VALUES ($1)", person.User.ID)
	if status := remove(); status != http.StatusInternalServerError {
		t.Errorf("a row that another service refers to: %d, expected 500", status)
	}
	if _, there := s.Identity.User(person.UID); !there {
		t.Error("the account is gone at Firebase although the row could not be deleted")
	}
	execute(t, s.Stack, "DROP TABLE public.orders")
	fault(t, s, identity.Fault{Match: "accounts:delete", Kind: "503"})
	if status := remove(); status != http.StatusServiceUnavailable {
		t.Errorf("while Firebase is away: %d, expected 503", status)
	}
	if status, code, _ := s.Verify(t, person.IDToken); status != http.StatusOK {
		t.Errorf("after a deletion that failed: %d %s, expected 200", status, code)
	}
	s.Identity.ClearFaults()
	if status := remove(); status != http.StatusOK {
		t.Errorf("when nothing refuses: %d, expected 200", status)
	}
}

// One links, one inserts, and all succeed.
func TestTakeover_TwoAddressesOfOneAccount_F1(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	for range 10 {
		uid, held, fresh := newUID(), servicetest.Email(), servicetest.Email()
		legacyRow(t, s.Stack, held)
		tokens := []string{mint(t, s.Stack, claims(uid, held)), mint(t, s.Stack, claims(uid, fresh))}
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				if status, code, _ := s.Verify(t, tokens[i%2]); status != http.StatusOK {
					t.Errorf("F1: answered %d %s, expected 200", status, code)
				}
			})
		}
		all.Wait()
		if rows := count(t, s.Stack, "auth.users WHERE firebase_uid = $1", uid); rows != 1 {
			t.Errorf("F1: %d rows have the uid, expected one", rows)
		}
	}
}

// The attempt leaves no row.
func TestTakeover_RegisterHidesADisabledAccount_A3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	uid, err := s.Identity.PutUser(identity.User{Email: email, Password: servicetest.Password})
	if err != nil {
		t.Fatal(err)
	}
	s.Identity.SetDisabled(uid, true)
	answer, err := s.API.RegisterWithResponse(t.Context(), client.RegisterInput{Email: email, Password: "AnotherPass123"})
	if err != nil || servicetest.Code(answer.Body) != "email_taken" {
		t.Errorf("A3: register answered %v %s, expected email_taken", err, answer.Body)
	}
	if rows := count(t, s.Stack, "auth.users"); rows != 0 {
		t.Errorf("%d rows were left, expected none", rows)
	}
}

func TestTakeover_DeletionOutlivesItsCaller_F10(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	person := s.Person(t)
	fault(t, s, identity.Fault{Match: "accounts:delete", Kind: identity.FaultDelay, Delay: time.Second, After: true})
	ctx, hangUp := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer hangUp()
	if _, err := s.API.DeleteMeWithResponse(ctx, client.DeleteMeInput{}, servicetest.Bearer(person.IDToken)); err == nil {
		t.Fatal("the answer came before the caller hung up")
	}
	eventually(t, "the row is gone too", func() bool {
		return count(t, s.Stack, "auth.users WHERE id = $1", person.User.ID) == 0
	})
	refusedAs(t, s, time.Second, "F10: a deleted account whose owner has had no answer", person.IDToken, "token_revoked")
}

func fault(t *testing.T, s *servicetest.Service, f identity.Fault) {
	t.Helper()
	if err := s.Identity.AddFaults(f); err != nil {
		t.Fatal(err)
	}
}
