package e2e

import (
	"net/http"
	"slices"
	"testing"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/testkit/servicetest"
)

func TestFlow_PlanEndToEnd(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	ctx := t.Context()
	email := servicetest.Email()

	registered, err := s.API.RegisterWithResponse(ctx, client.RegisterInput{
		Email: email, Password: servicetest.Password, DisplayName: new("Jane Doe"),
	})
	if err != nil || registered.JSON201 == nil {
		t.Fatalf("register: %v %s\n%s", err, registered.Body, s.Log)
	}
	session := registered.JSON201.Data
	if session.UID != session.User.ID.String() {
		t.Errorf("A1: the uid is %s, expected the row's id %s", session.UID, session.User.ID)
	}
	first := me(t, s, session.IDToken)
	if first.Email == nil || *first.Email != email || first.Username == nil || *first.Username != "Jane Doe" {
		t.Errorf("me answered %+v, expected %s called Jane Doe", first, email)
	}
	if status, code, user := s.Verify(t, session.IDToken); status != http.StatusOK || user.ID != session.User.ID {
		t.Errorf("verify-token answered %d %s %+v, expected 200 with the same user", status, code, user)
	}

	signedIn, err := s.API.LoginWithResponse(ctx, client.LoginInput{Email: email, Password: servicetest.Password})
	if err != nil || signedIn.JSON200 == nil {
		t.Fatalf("login: %v %s", err, signedIn.Body)
	}
	second := me(t, s, signedIn.JSON200.Data.IDToken)
	if !second.LastLogin.After(*first.LastLogin) {
		t.Errorf("F8: last_login is %s after a login, expected it after %s", second.LastLogin, first.LastLogin)
	}
	refreshed, err := s.API.RefreshWithResponse(ctx, client.RefreshInput{RefreshToken: signedIn.JSON200.Data.RefreshToken})
	if err != nil || refreshed.JSON200 == nil {
		t.Fatalf("refresh: %v %s", err, refreshed.Body)
	}

	out, err := s.API.LogoutWithResponse(ctx, servicetest.Bearer(refreshed.JSON200.Data.IDToken))
	if err != nil || out.JSON200 == nil {
		t.Fatalf("logout: %v %s", err, out.Body)
	}
	for _, token := range []string{session.IDToken, signedIn.JSON200.Data.IDToken, refreshed.JSON200.Data.IDToken} {
		if status, code, _ := s.Verify(t, token); status != http.StatusUnauthorized || code != "token_revoked" {
			t.Errorf("T4: verify-token after logout answered %d %s, expected 401 token_revoked", status, code)
		}
	}
	again, err := s.API.LoginWithResponse(ctx, client.LoginInput{Email: email, Password: servicetest.Password})
	if err != nil || again.JSON200 == nil {
		t.Fatalf("login after logout: %v %s", err, again.Body)
	}
	if status, code, _ := s.Verify(t, again.JSON200.Data.IDToken); status != http.StatusOK {
		t.Errorf("T4: a session begun after the logout answered %d %s, expected 200", status, code)
	}
}

func TestQueryBudget(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	person := s.Person(t)
	token := s.Token(t, identityUser(servicetest.Email()), "google.com")

	expect := func(what string, budget int, f func()) {
		t.Helper()
		if ran := s.Queries.During(f); len(ran) > budget {
			t.Errorf("%s ran %d statements %v, expected at most %d", what, len(ran), ran, budget)
		}
	}
	expect("first sight", 1, func() { s.Verify(t, token) })
	expect("verify-token warm", 0, func() { s.Verify(t, token) })
	proof := identityUser(*person.Email)
	proof.DisplayName = "Jane Doe"
	s.Verify(t, s.Token(t, proof, "password")) // an address's first proof costs one write (F3)
	fresh := s.Token(t, identityUser(*person.Email), "password")
	expect("verify-token cold", 1, func() {
		if status, code, _ := s.Verify(t, fresh); status != http.StatusOK {
			t.Errorf("verify-token cold answered %d %s, expected 200", status, code)
		}
	})
	expect("login", 2, func() {
		answer, err := s.API.LoginWithResponse(t.Context(), client.LoginInput{Email: *person.Email, Password: servicetest.Password})
		if err != nil || answer.JSON200 == nil {
			t.Errorf("login: %v %s", err, answer.Body)
		}
	})
	if ran := s.Queries.During(func() { s.Verify(t, s.Token(t, identityUser(servicetest.Email()), "google.com")) }); !slices.Equal(ran, []string{"FirstSight"}) {
		t.Errorf("a first sight ran %v, expected FirstSight alone", ran)
	}
}
