package e2e

import (
	"testing"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

func me(t *testing.T, s *servicetest.Service, token string) client.Me {
	t.Helper()
	answer, err := s.API.GetMeWithResponse(t.Context(), servicetest.Bearer(token))
	if err != nil || answer.JSON200 == nil {
		t.Fatalf("me: %v %s", err, answer.Body)
	}
	return answer.JSON200.Data.User
}

func identityUser(email string) identity.User {
	return identity.User{Email: email, EmailVerified: true, DisplayName: "Some Body"}
}
