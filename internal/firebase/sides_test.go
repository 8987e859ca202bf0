package firebase_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/devstack/identity/official"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/testkit/rsakeys"
)

type side struct {
	*firebase.Client
	host     string
	official bool
}

func onBothSides(t *testing.T, test func(t *testing.T, s side)) {
	t.Helper()
	t.Run("ours", func(t *testing.T) {
		provider, err := identity.New(identity.Options{ProjectID: "demo-test", ScryptMemoryCost: 4, NewKey: rsakeys.Source()})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(provider.Handler())
		t.Cleanup(func() { _ = provider.Close(); server.Close() })
		test(t, newSide(t, server.Listener.Addr().String(), false))
	})
	t.Run("official", func(t *testing.T) { test(t, newSide(t, officialHost(t), true)) })
}

// One official emulator serves the package. It ends with the process.
var officialEmulator = sync.OnceValues(func() (*official.Emulator, error) {
	return official.Start(context.Background(), official.Options{ProjectID: "demo-test"})
})

// officialHost returns the emulator without accounts. The tests that use it are not parallel.
func officialHost(t *testing.T) string {
	t.Helper()
	emulator, err := officialEmulator()
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(
		t.Context(), http.MethodDelete, "http://"+emulator.Host+"/emulator/v1/projects/demo-test/accounts", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("the emulator answers %s to the deletion of all accounts", response.Status)
	}
	return emulator.Host
}

func newSide(t *testing.T, host string, isOfficial bool) side {
	t.Helper()
	client, err := firebase.New(t.Context(), firebase.Options{ProjectID: "demo-test", EmulatorHost: host})
	if err != nil {
		t.Fatal(err)
	}
	return side{Client: client, host: host, official: isOfficial}
}

func (s side) newestCode(t *testing.T) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.host+"/emulator/v1/projects/demo-test/oobCodes", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var mails struct {
		Codes []struct {
			Code string `json:"oobCode"`
		} `json:"oobCodes"`
	}
	if err := json.NewDecoder(response.Body).Decode(&mails); err != nil || len(mails.Codes) == 0 {
		t.Fatalf("no mail was sent: %v", err)
	}
	return mails.Codes[len(mails.Codes)-1].Code
}

func bcryptOf(t *testing.T, password string) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(hash)
}

// M1, M2.
func TestBoth_Import(t *testing.T) {
	onBothSides(t, func(t *testing.T, s side) {
		create(t, s.Client)
		const imported, again = "imported-person-of-twenty", "john@example.com"
		born := time.Date(2021, 2, 3, 4, 5, 6, 0, time.UTC)
		failures, err := s.Import(t.Context(), []firebase.ImportUser{
			{UID: imported, Email: again, EmailVerified: true, PasswordHash: bcryptOf(t, "imported-password"), CreatedAt: born},
			{UID: jane.UID, Email: "thief@example.com", PasswordHash: bcryptOf(t, "the-password-of-a-thief")},
			{UID: "another-person-of-twenty", Email: email, PasswordHash: bcryptOf(t, "the-password-of-a-thief")},
			{UID: "misspelt-person-of-twenty", Email: "nonsense"},
			{UID: "disabled-person-of-twenty", Email: "disabled@example.com", Disabled: true},
		})
		want := map[int]error{1: firebase.ErrUIDExists, 2: firebase.ErrEmailExists, 3: firebase.ErrInvalidUser}
		if err != nil || len(failures) != len(want) {
			t.Fatalf("got %v, %v", failures, err)
		}
		for _, failure := range failures {
			if !errors.Is(failure.Err, want[failure.Index]) {
				t.Errorf("row %d: %v, want %v", failure.Index, failure.Err, want[failure.Index])
			}
		}

		if _, err := s.SignIn(t.Context(), email, password); err != nil {
			t.Errorf("who was there cannot sign in any more: %v", err)
		}
		if user, err := s.User(t.Context(), jane.UID); err != nil || user.Email != email {
			t.Errorf("who was there is %+v, %v now", user, err)
		}
		user, err := s.UserByEmail(t.Context(), again)
		if err != nil || user.UID != imported || !user.EmailVerified || !user.HasPassword || user.Disabled ||
			!slices.Equal(user.Providers, []string{"password"}) || time.Since(user.PasswordUpdatedAt) > time.Minute {
			t.Errorf("who was imported is %+v, %v", user, err)
		}
		if user, err := s.User(t.Context(), "disabled-person-of-twenty"); err != nil || !user.Disabled || user.HasPassword {
			t.Errorf("who was disabled and without a password is %+v, %v", user, err)
		}
		_, err = s.SignIn(t.Context(), again, "imported-password")
		if s.official != errors.Is(err, firebase.ErrInvalidCredentials) || !s.official && err != nil {
			t.Errorf("signing in with an imported password gives %v", err) // the emulator's hashes differ
		}
	})
}

// M3.
func TestImport_InvalidHash(t *testing.T) {
	_, client := newProvider(t)
	failures, err := client.Import(t.Context(), []firebase.ImportUser{
		{UID: jane.UID, Email: email, PasswordHash: bcryptOf(t, password)}, {UID: "john", PasswordHash: "not-a-hash"},
	})
	if !errors.Is(err, firebase.ErrInvalidHash) || failures != nil {
		t.Errorf("got %v, %v", failures, err)
	}
	if _, err := client.User(t.Context(), jane.UID); !errors.Is(err, firebase.ErrUserNotFound) {
		t.Errorf("somebody of a refused batch is there: %v", err)
	}
}

// M2.
func TestImport_LostAnswer(t *testing.T) {
	provider, client := newProvider(t)
	if err := provider.AddFaults(identity.Fault{Match: "batchCreate", Kind: identity.FaultCut, Count: 1, After: true}); err != nil {
		t.Fatal(err)
	}
	people := []firebase.ImportUser{{UID: jane.UID, Email: email, PasswordHash: bcryptOf(t, password)}}
	if _, err := client.Import(t.Context(), people); !errors.Is(err, firebase.ErrUnreachable) {
		t.Fatalf("the lost answer gives %v", err)
	}
	if err := client.SetPassword(t.Context(), jane.UID, "changed-since-then"); err != nil {
		t.Fatal(err)
	}
	failures, err := client.Import(t.Context(), people)
	if err != nil || len(failures) != 1 || !errors.Is(failures[0].Err, firebase.ErrUIDExists) {
		t.Errorf("importing again gives %v, %v", failures, err)
	}
	if _, err := client.SignIn(t.Context(), email, "changed-since-then"); err != nil {
		t.Errorf("the password of who has moved was undone: %v", err)
	}
}

func TestBoth_Administration(t *testing.T) {
	onBothSides(t, func(t *testing.T, s side) {
		create(t, s.Client)
		const changed = "a-changed-password"
		if err := s.SetPassword(t.Context(), jane.UID, changed); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SignIn(t.Context(), email, password); !errors.Is(err, firebase.ErrInvalidCredentials) {
			t.Errorf("the old password gives %v", err)
		}
		if _, err := s.SignIn(t.Context(), email, changed); err != nil {
			t.Errorf("the new password gives %v", err)
		}
		for _, disabled := range []bool{true, false} {
			if err := s.SetDisabled(t.Context(), jane.UID, disabled); err != nil {
				t.Fatal(err)
			}
			_, err := s.SignIn(t.Context(), email, changed)
			if disabled != errors.Is(err, firebase.ErrUserDisabled) || !disabled && err != nil {
				t.Errorf("disabled %v: signing in gives %v", disabled, err)
			}
		}
		for what, err := range map[string]error{
			"password": s.SetPassword(t.Context(), "nobody", changed),
			"disabled": s.SetDisabled(t.Context(), "nobody", true),
			"displace": s.Displace(t.Context(), "nobody", "nobody@displaced.invalid"),
		} {
			if !errors.Is(err, firebase.ErrUserNotFound) {
				t.Errorf("%s of nobody gives %v", what, err)
			}
		}
	})
}

// M6.
func TestBoth_Displace(t *testing.T) {
	onBothSides(t, func(t *testing.T, s side) {
		create(t, s.Client)
		const away = "3f8a1c52@displaced.example.com"
		if err := s.Displace(t.Context(), jane.UID, away); err != nil {
			t.Fatal(err)
		}
		if user, err := s.User(t.Context(), jane.UID); err != nil || user.Email != away || !user.Disabled || user.EmailVerified {
			t.Errorf("the displaced account is %+v, %v", user, err)
		}
		if _, err := s.SignIn(t.Context(), away, password); !errors.Is(err, firebase.ErrUserDisabled) {
			t.Errorf("signing in to it gives %v", err)
		}
		owner := firebase.ImportUser{UID: "the-owner-of-the-address", Email: email, EmailVerified: true, PasswordHash: bcryptOf(t, password)}
		if failures, err := s.Import(t.Context(), []firebase.ImportUser{owner}); err != nil || len(failures) != 0 {
			t.Fatalf("importing the owner gives %v, %v", failures, err)
		}
		if err := s.Displace(t.Context(), owner.UID, "again@displaced.example.com"); !errors.Is(err, firebase.ErrNotDisplaceable) {
			t.Errorf("displacing the owner gives %v", err)
		}
		if user, err := s.UserByEmail(t.Context(), email); err != nil || user.UID != owner.UID || user.Disabled {
			t.Errorf("the address belongs to %+v, %v", user, err)
		}
	})
}

// M9.
func TestBoth_SignInAs(t *testing.T) {
	onBothSides(t, func(t *testing.T, s side) {
		create(t, s.Client)
		session, err := s.SignInAs(t.Context(), jane.UID, map[string]any{"began": map[string]any{"at": 7}})
		if err != nil || session.UID != jane.UID || session.ExpiresIn != time.Hour {
			t.Fatalf("got %+v, %v", session, err)
		}
		claims := segmentOf(t, session.IDToken, 1)
		if claims["sub"] != jane.UID || claims["email"] != email || claims["firebase"].(map[string]any)["sign_in_provider"] != "custom" {
			t.Errorf("the ID token says %v", claims)
		}
		renewed, err := s.Refresh(t.Context(), session.RefreshToken)
		if err != nil || renewed.UID != jane.UID {
			t.Fatalf("refreshing gives %+v, %v", renewed, err)
		}
		for what, idToken := range map[string]string{"the ID token": session.IDToken, "the renewed one": renewed.IDToken} {
			if began, _ := segmentOf(t, idToken, 1)["began"].(map[string]any); began["at"] != float64(7) {
				t.Errorf("%s lacks the developer claims: %v", what, segmentOf(t, idToken, 1))
			}
		}
		if _, err := s.SignInAs(t.Context(), "nobody", nil); !errors.Is(err, firebase.ErrUserNotFound) {
			t.Errorf("nobody gives %v", err)
		}
		if _, err := s.User(t.Context(), "nobody"); !errors.Is(err, firebase.ErrUserNotFound) {
			t.Errorf("and has an account now: %v", err)
		}
		if err := s.SetDisabled(t.Context(), jane.UID, true); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SignInAs(t.Context(), jane.UID, nil); !errors.Is(err, firebase.ErrUserDisabled) {
			t.Errorf("a disabled account gives %v", err)
		}
	})
}

// A9.
func TestBoth_Mails(t *testing.T) {
	onBothSides(t, func(t *testing.T, s side) {
		create(t, s.Client)
		session, err := s.SignIn(t.Context(), email, password)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SendEmailVerification(t.Context(), session.IDToken); err != nil {
			t.Fatal(err)
		}
		code := s.newestCode(t)
		if _, err := s.ResetPassword(t.Context(), code, "set-by-another-mail"); !errors.Is(err, firebase.ErrInvalidCode) {
			t.Errorf("a verification's code resets: %v", err)
		}
		if address, err := s.ConfirmEmail(t.Context(), code); err != nil || address != email {
			t.Errorf("confirming gives %q, %v", address, err)
		}
		if user, err := s.User(t.Context(), jane.UID); err != nil || !user.EmailVerified {
			t.Errorf("confirmed is %+v, %v", user, err)
		}

		if err := s.SendPasswordReset(t.Context(), email); err != nil {
			t.Fatal(err)
		}
		used := code
		code = s.newestCode(t)
		if address, err := s.ResetPassword(t.Context(), code, "set-by-mail"); err != nil || address != email {
			t.Errorf("resetting gives %q, %v", address, err)
		}
		if _, err := s.SignIn(t.Context(), email, "set-by-mail"); err != nil {
			t.Errorf("signing in with it gives %v", err)
		}
		for what, err := range map[string]error{
			"a used reset code": second(s.ResetPassword(t.Context(), code, "set-by-mail")),
			"a used mail code":  second(s.ConfirmEmail(t.Context(), used)),
			"no such code":      second(s.ConfirmEmail(t.Context(), "nonsense")),
		} {
			if !errors.Is(err, firebase.ErrInvalidCode) {
				t.Errorf("%s gives %v", what, err)
			}
		}
		if err := s.SendEmailVerification(t.Context(), "nonsense"); !errors.Is(err, firebase.ErrInvalidIDToken) {
			t.Errorf("a verification for a token that is none gives %v", err)
		}
		err = s.SendPasswordReset(t.Context(), "nobody@example.com") // no enumeration protection
		if s.official != errors.Is(err, firebase.ErrUserNotFound) || !s.official && err != nil {
			t.Errorf("a reset for nobody gives %v", err)
		}
	})
}

// The emulator's codes never expire.
func TestMails_ExpiredCode(t *testing.T) {
	now := time.Now()
	provider, client := newProvider(t, func(o *identity.Options) { o.Clock = func() time.Time { return now } })
	create(t, client)
	if err := client.SendPasswordReset(t.Context(), email); err != nil {
		t.Fatal(err)
	}
	code := provider.Mails()[0].Code
	now = now.Add(2 * time.Hour)
	if _, err := client.ResetPassword(t.Context(), code, "set-by-mail"); !errors.Is(err, firebase.ErrExpiredCode) {
		t.Errorf("got %v", err)
	}
}

func TestMails_LostAnswerIsOneMail(t *testing.T) {
	provider, client := newProvider(t)
	create(t, client)
	if err := provider.AddFaults(identity.Fault{Match: "sendOobCode", Kind: identity.FaultCut, Count: 1, After: true}); err != nil {
		t.Fatal(err)
	}
	if err := client.SendPasswordReset(t.Context(), email); !errors.Is(err, firebase.ErrUnreachable) {
		t.Errorf("the lost answer gives %v", err)
	}
	if mails := provider.Mails(); len(mails) != 1 {
		t.Errorf("%d mails, want one", len(mails))
	}
}

// A11.
func TestSecondFactor(t *testing.T) {
	now := time.Now()
	provider, client := newProvider(t, func(o *identity.Options) { o.Clock = func() time.Time { return now } })
	create(t, client)
	id, secret, err := provider.EnrollTOTP(jane.UID, "app")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.SignIn(t.Context(), email, "wrong-password"); !errors.Is(err, firebase.ErrInvalidCredentials) {
		t.Errorf("a wrong password gives %v", err)
	}
	_, err = client.SignIn(t.Context(), email, password)
	var due *firebase.MFAError
	if !errors.Is(err, firebase.ErrMFARequired) || !errors.As(err, &due) ||
		!slices.Equal(due.Challenge.Factors, []firebase.Factor{{ID: id, Kind: firebase.FactorTOTP, DisplayName: "app"}}) {
		t.Fatalf("a right password gives %v", err)
	}
	code, err := identity.TOTP(secret, now)
	if err != nil {
		t.Fatal(err)
	}
	challenge := due.Challenge.PendingCredential
	session, err := client.FinishSignIn(t.Context(), challenge, id, code)
	if err != nil || session.UID != jane.UID || session.ExpiresIn != time.Hour {
		t.Fatalf("finishing gives %+v, %v", session, err)
	}
	if renewed, err := client.Refresh(t.Context(), session.RefreshToken); err != nil || renewed.UID != jane.UID {
		t.Errorf("refreshing gives %+v, %v", renewed, err)
	}
	for what, c := range map[string]struct{ got, want error }{
		"a used code":     {second(client.FinishSignIn(t.Context(), challenge, id, code)), firebase.ErrInvalidCredentials},
		"a wrong code":    {second(client.FinishSignIn(t.Context(), challenge, id, "12345")), firebase.ErrInvalidCredentials},
		"no such pending": {second(client.FinishSignIn(t.Context(), "nonsense", id, code)), firebase.ErrInvalidCode},
		"no such factor":  {second(client.FinishSignIn(t.Context(), challenge, "nonsense", code)), firebase.ErrInvalidCode},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s gives %v, want %v", what, c.got, c.want)
		}
		holdsNoSecret(t, c.got)
	}
	now = now.Add(5 * time.Minute)
	code, err = identity.TOTP(secret, now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.FinishSignIn(t.Context(), challenge, id, code); !errors.Is(err, firebase.ErrExpiredCode) {
		t.Errorf("five minutes later it gives %v", err)
	}
}
