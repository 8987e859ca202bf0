package e2e

import (
	"net/http"
	"strings"
	"testing"

	"auth-v2-service/internal/config"
	"auth-v2-service/internal/doctor"
	"auth-v2-service/internal/testkit/servicetest"
)

// The log, once, and doctor report likely wrong settings until a token fits.
func TestTokens_OfAnotherProjectAreTheOperatorsToSee(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	s := stack.Start(t)
	told := func() doctor.Finding {
		environment := stack.Environment()
		environment["DATABASE_URL"] = stack.ServingURL
		c, err := config.Load(environment)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range doctor.Examine(t.Context(), c).Findings {
			if f.Area == "project" && f.Check == "tokens" {
				return f
			}
		}
		t.Fatal("doctor says nothing of tokens")
		return doctor.Finding{}
	}
	if f := told(); f.Level != doctor.Green {
		t.Errorf("before any token doctor says %+v", f)
	}
	foreign := map[string]any{"aud": "another-project", "iss": "https://securetoken.google.com/another-project"}
	for range 3 {
		verify(t, s, mint(t, stack, claims(newUID(), servicetest.Email(), foreign))).expect(t, "a token of another project", http.StatusUnauthorized, invalid)
	}
	eventually(t, "doctor is red", func() bool {
		f := told()
		return f.Level == doctor.Red && strings.Contains(f.Advice, "FIREBASE_PROJECT_ID")
	})
	verify(t, s, mint(t, stack, claims(newUID(), servicetest.Email()))).expect(t, "a token that fits", http.StatusOK, "")
	verify(t, s, mint(t, stack, claims(newUID(), servicetest.Email(), foreign))).expect(t, "another of another project", http.StatusUnauthorized, invalid)
	eventually(t, "doctor is green again", func() bool { return told().Level == doctor.Green })
	for line, times := range map[string]int{"none has fitted since the start": 1, "a token fits the Firebase project": 1, "another-project": 0} {
		if n := strings.Count(s.Log.String(), line); n != times {
			t.Errorf("the log says %q %d times, expected %d", line, n, times)
		}
	}
}
