package servicetest

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/devstack/identity"
)

var people atomic.Int64

// Email returns a unique address.
func Email() string { return fmt.Sprintf("person%d@example.com", people.Add(1)) }

// Person registers a person.
func (s *Service) Person(t testing.TB) client.Session {
	t.Helper()
	answer, err := s.API.RegisterWithResponse(t.Context(), client.RegisterInput{Email: Email(), Password: Password})
	if err != nil {
		t.Fatalf("register: %v", err)
	}
	if answer.StatusCode() != http.StatusCreated {
		t.Fatalf("register answered %d, expected 201\n%s\n%s", answer.StatusCode(), answer.Body, s.Log)
	}
	return answer.JSON201.Data
}

// Token signs in at the provider alone. No row exists yet.
func (s *Stack) Token(t testing.TB, u identity.User, provider string) string {
	t.Helper()
	session, err := s.Identity.SignIn(context.Background(), u, provider)
	if err != nil {
		t.Fatalf("sign in at the identity provider: %v", err)
	}
	return session.IDToken
}

// Verify calls verify-token.
func (s *Service) Verify(t testing.TB, token string) (status int, code string, user client.User) {
	t.Helper()
	answer, err := s.API.VerifyTokenWithResponse(context.Background(), client.VerifyTokenInput{Token: token})
	if err != nil {
		t.Errorf("verify-token: %v", err)
		return 0, "", client.User{}
	}
	if answer.JSON200 != nil {
		return answer.StatusCode(), "", answer.JSON200.Data.User
	}
	return answer.StatusCode(), Code(answer.Body), client.User{}
}
