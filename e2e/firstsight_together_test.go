package e2e

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"auth-v2-service/internal/testkit/servicetest"
)

// F1: a thousand requests share one verification and one statement.
func TestFirstSight_AStampedeIsOneStatement(t *testing.T) {
	stack := servicetest.NewStack(t)
	s := stack.Start(t)
	uid := newUID()
	token := mint(t, stack, claims(uid, servicetest.Email()))
	var answers []answer
	ran := s.Queries.During(func() {
		answers = atOnce(t, []*servicetest.Service{s}, slices.Repeat([]string{token}, 1000))
	})
	if got := tally(answers); got["200"] != 1000 {
		t.Errorf("answered %v, expected 1,000 times 200", got)
	}
	if !slices.Equal(ran, []string{"FirstSight"}) {
		t.Errorf("ran %v, expected one FirstSight", ran)
	}
	if want := `auth_token_verifications_total{result="ok"} 1` + "\n"; !strings.Contains(metrics(t, s), want) {
		t.Errorf("the metrics lack %q, expected one verification", want)
	}
}

// F1, E1: requests of different users share statements.
func TestFirstSight_ThoseWhoComeAtOnceShareStatements(t *testing.T) {
	stack := servicetest.NewStack(t)
	s := stack.Start(t)
	uids, emails, tokens := make([]string, 300), make([]string, 300), make([]string, 300)
	for round, counted := range []string{"FirstSights", "UsersByFirebaseUIDs"} { // all new, then all known
		for i := range tokens {
			if round == 0 {
				uids[i], emails[i] = newUID(), servicetest.Email()
			}
			tokens[i] = mint(t, stack, claims(uids[i], emails[i], map[string]any{"name": "Person " + uids[i], "n": round}))
		}
		var answers []answer
		ran := s.Queries.During(func() { answers = atOnce(t, []*servicetest.Service{s}, tokens) })
		for i, a := range answers {
			if a.status != http.StatusOK || a.user.FirebaseUID == nil || *a.user.FirebaseUID != uids[i] || a.user.Email == nil || *a.user.Email != emails[i] {
				t.Errorf("round %d: %s was answered %d %s %+v", round, uids[i], a.status, a.code, a.user)
			}
		}
		if !slices.Contains(ran, counted) || len(ran) > len(tokens)/2 {
			t.Errorf("round %d: %d requests ran %d statements, expected them to share %s", round, len(tokens), len(ran), counted)
		}
	}
}

func metrics(t testing.TB, s *servicetest.Service) string {
	t.Helper()
	response, err := http.Get(s.MetricsURL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
