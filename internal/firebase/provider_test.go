package firebase_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/firebase"
	"auth-v2-service/internal/testkit/rsakeys"
)

func newProvider(t *testing.T, change ...func(*identity.Options)) (*identity.Provider, *firebase.Client) {
	t.Helper()
	options := identity.Options{ProjectID: "demo-test", APIKey: apiKey, ScryptMemoryCost: 4, NewKey: rsakeys.Source()}
	for _, f := range change {
		f(&options)
	}
	provider, err := identity.New(options)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(provider.Handler())
	t.Cleanup(func() {
		_ = provider.Close() // ends hanging requests
		server.Close()
	})
	client, err := firebase.New(t.Context(), firebase.Options{
		ProjectID: "demo-test", APIKey: apiKey, EmulatorHost: server.Listener.Addr().String(), Timeout: 500 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return provider, client
}

var jane = firebase.NewUser{UID: "3f8a1c52-7a4e-4a0e-9a55-6d2f0c3b9e10", Email: email, Password: password, DisplayName: "Jane Doe"}

func create(t *testing.T, client *firebase.Client) {
	t.Helper()
	if err := client.CreateUser(t.Context(), jane); err != nil {
		t.Fatal(err)
	}
}

// A1, A8.
func TestLife(t *testing.T) {
	t.Run("ours", func(t *testing.T) {
		_, client := newProvider(t)
		live(t, client)
	})
	t.Run("official", func(t *testing.T) {
		client, err := firebase.New(t.Context(), firebase.Options{ProjectID: "demo-test", EmulatorHost: officialHost(t)})
		if err != nil {
			t.Fatal(err)
		}
		live(t, client)
	})
}

func live(t *testing.T, client *firebase.Client) {
	t.Helper()
	create(t, client)

	session, err := client.SignIn(t.Context(), email, password)
	if err != nil || session.UID != jane.UID || session.ExpiresIn != time.Hour || strings.Count(session.IDToken, ".") != 2 {
		t.Fatalf("signing in gives %+v, %v", session, err)
	}
	renewed, err := client.Refresh(t.Context(), session.RefreshToken)
	if err != nil || renewed.UID != jane.UID || renewed.IDToken == "" || renewed.RefreshToken == "" || renewed.ExpiresIn != time.Hour {
		t.Fatalf("refreshing gives %+v, %v", renewed, err)
	}
	user, err := client.User(t.Context(), jane.UID)
	if err != nil || user.Email != email {
		t.Fatalf("looking up gives %+v, %v", user, err)
	}

	if err := client.DeleteUser(t.Context(), jane.UID); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"deleting again": client.DeleteUser(t.Context(), jane.UID),
		"looking up":     second(client.User(t.Context(), jane.UID)),
	} {
		if !errors.Is(err, firebase.ErrUserNotFound) {
			t.Errorf("%s after the end gives %v", what, err)
		}
	}
	if _, err := client.SignIn(t.Context(), email, password); !errors.Is(err, firebase.ErrInvalidCredentials) {
		t.Errorf("signing in after the end gives %v", err)
	}
	if _, err := client.Refresh(t.Context(), session.RefreshToken); !errors.Is(err, firebase.ErrInvalidRefreshToken) {
		t.Errorf("refreshing after the end gives %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// A3.
func TestSignIn_EverySortOfWrongIsOne(t *testing.T) {
	for name, allowed := range map[string]bool{"protected": false, "enumerable": true} {
		t.Run(name, func(t *testing.T) {
			_, client := newProvider(t, func(o *identity.Options) { o.EnumerationAllowed = allowed })
			create(t, client)
			for _, c := range [][2]string{
				{email, "wrong-password"}, {"nobody@example.com", password}, {"not an address", password}, {email, ""}, {"", password},
			} {
				if _, err := client.SignIn(t.Context(), c[0], c[1]); !errors.Is(err, firebase.ErrInvalidCredentials) {
					t.Errorf("%q with %q gives %v", c[0], c[1], err)
				}
			}
		})
	}
}

func TestCreateUser_TakenOrWeak(t *testing.T) {
	_, client := newProvider(t)
	create(t, client)
	again, other := jane, jane
	again.Email = "other@example.com"
	other.UID = "another-uid-of-twenty-characters"
	if err := client.CreateUser(t.Context(), again); !errors.Is(err, firebase.ErrUIDExists) {
		t.Errorf("the uid again gives %v", err)
	}
	if err := client.CreateUser(t.Context(), other); !errors.Is(err, firebase.ErrEmailExists) {
		t.Errorf("the address again gives %v", err)
	}
}

// A1.
func TestCreateUser_LostAnswer(t *testing.T) {
	provider, client := newProvider(t)
	if err := provider.AddFaults(identity.Fault{Match: "/accounts", Kind: identity.FaultCut, Count: 1, After: true}); err != nil {
		t.Fatal(err)
	}
	if err := client.CreateUser(t.Context(), jane); !errors.Is(err, firebase.ErrUnreachable) {
		t.Fatalf("the lost answer gives %v", err)
	}
	if err := client.CreateUser(t.Context(), jane); !errors.Is(err, firebase.ErrUIDExists) && !errors.Is(err, firebase.ErrEmailExists) {
		t.Errorf("the retry gives %v", err)
	}
	if _, err := client.SignIn(t.Context(), email, password); err != nil {
		t.Errorf("and the account cannot sign in: %v", err)
	}
}

// A4.
func TestFaults(t *testing.T) {
	cases := map[string]fault.Code{
		identity.FaultTooManyRequests: fault.RateLimited, identity.FaultQuotaExceeded: fault.RateLimited,
		identity.FaultTooManyAttempts: fault.RateLimited, identity.FaultUnavailable: fault.DependencyUnavailable,
		identity.FaultCut: fault.DependencyUnavailable, identity.FaultHang: fault.DependencyUnavailable,
		"USER_DISABLED": fault.AccountDeactivated, "BLOCKING_FUNCTION_ERROR_RESPONSE": fault.SignInBlocked,
		"OPERATION_NOT_ALLOWED": fault.DependencyUnavailable,
	}
	for kind, want := range cases {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			provider, client := newProvider(t)
			create(t, client)
			if err := provider.AddFaults(identity.Fault{Kind: kind}); err != nil {
				t.Fatal(err)
			}
			everyOperation(t, func(t *testing.T, _ string, run func(context.Context, *firebase.Client) error) {
				err := run(t.Context(), client)
				if fault.CodeOf(err) != want {
					t.Errorf("got %v, want %s", err, want)
				}
				holdsNoSecret(t, err)
			})
			provider.ClearFaults()
			if _, err := client.SignIn(t.Context(), email, password); err != nil {
				t.Errorf("when it is over, signing in gives %v", err)
			}
		})
	}
}

func TestFaults_OneIsForgiven(t *testing.T) {
	provider, client := newProvider(t)
	create(t, client)
	session, err := client.SignIn(t.Context(), email, password)
	if err != nil {
		t.Fatal(err)
	}
	refreshOver := func(kind string, count int) error {
		defer provider.ClearFaults()
		if err := provider.AddFaults(identity.Fault{Kind: kind, Count: count}); err != nil {
			t.Fatal(err)
		}
		return second(client.Refresh(t.Context(), session.RefreshToken))
	}
	for _, kind := range []string{identity.FaultCut, identity.FaultUnavailable} {
		if err := refreshOver(kind, 1); err != nil {
			t.Errorf("refreshing over one %s gives %v", kind, err)
		}
	}
	if err := refreshOver(identity.FaultUnavailable, 2); !errors.Is(err, firebase.ErrUnreachable) {
		t.Errorf("refreshing over two outages gives %v", err)
	}
}

func TestTwoProvidersInOneProcess(t *testing.T) {
	_, one := newProvider(t)
	_, two := newProvider(t)
	create(t, one)
	if _, err := one.User(t.Context(), jane.UID); err != nil {
		t.Errorf("the first does not know its own: %v", err)
	}
	if _, err := two.User(t.Context(), jane.UID); !errors.Is(err, firebase.ErrUserNotFound) {
		t.Errorf("the second says %v", err)
	}
}

func TestWrongKey_IsRefused(t *testing.T) {
	_, client := newProvider(t, func(o *identity.Options) { o.APIKey = "another-key" })
	_, err := client.SignIn(t.Context(), email, password)
	if !errors.Is(err, firebase.ErrRefused) {
		t.Errorf("got %v, want ErrRefused", err)
	}
	holdsNoSecret(t, err)
}
