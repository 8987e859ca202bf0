package e2e

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/internal/testkit/servicetest"
)

// unbalanced selects users with a balance other than the sum of their entries, or with a wrong balance_after.
const unbalanced = `(
	SELECT u.id FROM auth.users AS u
	LEFT JOIN (SELECT user_id, sum(amount) AS total FROM auth.ledger_entries GROUP BY user_id) AS e ON e.user_id = u.id
	WHERE coalesce(u.token_balance, 0) <> coalesce(e.total, 0)
	UNION ALL
	SELECT user_id FROM (
		SELECT user_id, balance_after, sum(amount) OVER (PARTITION BY user_id ORDER BY id) AS total FROM auth.ledger_entries) AS entries
	WHERE balance_after <> total) AS wrong`

func expectBalanced(t testing.TB, s *servicetest.Stack, after string) {
	t.Helper()
	if n := count(t, s, unbalanced); n != 0 {
		t.Errorf("W3: after %s, %d balances are not the sum of their entries", after, n)
	}
}

func holder(t testing.TB, s *servicetest.Stack, balance any) uuid.UUID {
	t.Helper()
	return localUser(t, s, servicetest.Email(), servicetest.Password, map[string]any{"token_balance": balance})
}

func balancePath(id uuid.UUID) string { return "/v1/users/" + id.String() + "/token-balance" }

func charge(t testing.TB, s *servicetest.Service, key string, id uuid.UUID, name, body string) reply {
	t.Helper()
	return ask(t, s, http.MethodPost, balancePath(id), body, keyHeader, key, "Idempotency-Key", name)
}

func (r reply) expectCharged(t testing.TB, what string, balance int, replayed bool) {
	t.Helper()
	want := ""
	if replayed {
		want = "true"
	}
	if header := r.header.Get("Idempotent-Replayed"); r.status != http.StatusOK || balanceOf(r) != balance || header != want {
		t.Errorf("%s answered %d with a balance of %d, replayed %q; expected 200, %d, %q\n%s",
			what, r.status, balanceOf(r), header, balance, want, r.body)
	}
}

// attempt returns status 0 without an answer.
func attempt(ctx context.Context, s *servicetest.Service, key string, id uuid.UUID, name, body string) reply {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+balancePath(id), strings.NewReader(body))
	if err != nil {
		return reply{}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(keyHeader, key)
	request.Header.Set("Idempotency-Key", name)
	response, err := s.HTTP.Do(request)
	if err != nil {
		return reply{}
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return reply{}
	}
	return reply{response.StatusCode, response.Header, answer}
}

func balanceOf(answer reply) int {
	var out struct {
		Data struct {
			Balance int `json:"token_balance"`
		} `json:"data"`
	}
	_ = json.Unmarshal(answer.body, &out) // zero where it is not JSON
	return out.Data.Balance
}
