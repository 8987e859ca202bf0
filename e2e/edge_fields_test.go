package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/testkit/servicetest"
)

func TestFields_NameWhatIsAtFault(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	admin := newAdmin(t, s.Stack)
	const secret = "s3cret-value"
	balance := strings.Replace(nobodyPath, "/v1/admin/users/", "/v1/users/", 1) + "/token-balance"
	named := []string{"Idempotency-Key", "a-key"}
	rollout := func(was, is string) string { return strings.Replace(rolloutBody, was, is, 1) }
	for _, c := range []struct {
		method, path, body string
		header             []string
		field              string
	}{
		{"GET", "/v1/admin/users?limit=0", "", nil, "limit"},
		{"GET", "/v1/admin/users?limit=101", "", nil, "limit"},
		{"GET", "/v1/admin/users?limit=" + secret, "", nil, "limit"},
		{"GET", "/v1/admin/users?limit=", "", nil, "limit"},
		{"GET", "/v1/admin/users?limit=1.5", "", nil, "limit"},
		{"GET", "/v1/admin/users?limit=99999999999999999999", "", nil, "limit"},
		{"GET", "/v1/admin/users?limit=1&limit=2", "", nil, "limit"},
		{"GET", "/v1/admin/users?cursor=", "", nil, "cursor"},
		{"GET", "/v1/admin/users?cursor=" + secret, "", nil, "cursor"},
		{"GET", "/v1/admin/users?cursor=" + strings.Repeat("c", 1025), "", nil, "cursor"},
		{"GET", "/v1/admin/users?q=", "", nil, "q"},
		{"GET", "/v1/admin/users?q=" + strings.Repeat("q", 256), "", nil, "q"},
		{"GET", "/v1/admin/users?q=%00", "", nil, "q"},
		{"GET", "/v1/admin/users?provider=" + secret, "", nil, "provider"},
		{"GET", "/v1/admin/users?status=" + secret, "", nil, "status"},
		{"GET", "/v1/admin/users?active=" + secret, "", nil, "active"},
		{"GET", "/v1/admin/users/" + secret, "", nil, "id"},
		{"PATCH", "/v1/admin/users/" + secret, `{"username":"x"}`, nil, "id"},
		{"POST", "/v1/admin/users/" + secret + "/deactivate", `{"reason":"x"}`, nil, "id"},
		{"POST", "/v1/admin/users/" + secret + "/reactivate", "", nil, "id"},
		{"POST", "/v1/admin/users/" + secret + "/revoke-tokens", "", nil, "id"},
		{"POST", "/v1/admin/users/" + secret + "/sync", "", nil, "id"},
		{"DELETE", "/v1/auth/me/sessions/" + secret, "", nil, "id"},
		{"GET", "/v1/admin/audit-events?user_id=" + secret, "", nil, "user_id"},
		{"GET", "/v1/admin/audit-events?actor=", "", nil, "actor"},
		{"GET", "/v1/admin/audit-events?action=" + strings.Repeat("a", 101), "", nil, "action"},
		{"GET", "/v1/admin/audit-events?since=" + secret, "", nil, "since"},
		{"GET", "/v1/admin/audit-events?until=2026-02-30T00:00:00Z", "", nil, "until"},
		{"GET", "/v1/admin/audit-events?limit=0", "", nil, "limit"},
		{"GET", "/v1/admin/jobs?state=" + secret, "", nil, "state"},
		{"GET", "/v1/admin/jobs?limit=-1", "", nil, "limit"},
		{"POST", "/v1/admin/jobs/" + secret + "/retry", "", nil, "id"},
		{"POST", "/v1/admin/jobs/0/retry", "", nil, "id"},
		{"POST", balance, spend5, nil, "Idempotency-Key"},
		{"POST", balance, spend5, []string{"Idempotency-Key", ""}, "Idempotency-Key"},
		{"POST", balance, spend5, []string{"Idempotency-Key", strings.Repeat("k", 256)}, "Idempotency-Key"},
		{"POST", balance, spend5, []string{"Idempotency-Key", "with blank " + secret}, "Idempotency-Key"},
		{"POST", balance, spend5, []string{"Idempotency-Key", "a", "Idempotency-Key", "b"}, "Idempotency-Key"},
		{"POST", "/v1/users/" + secret + "/token-balance", spend5, named, "id"},
		{"POST", balance, `{"amount":"` + secret + `","reason":"x"}`, named, "amount"},
		{"POST", balance, `{"amount":5}`, named, "reason"},
		{"POST", balance, `{"amount":5.0,"reason":"x"}`, named, "amount"},
		{"POST", balance, `{"amount":5e0,"reason":"x"}`, named, "amount"},
		{"POST", balance, `{"amount":1e999,"reason":"x"}`, named, "amount"},
		{"GET", balance + "/entries?limit=0", "", nil, "limit"},
		{"PUT", "/v1/admin/rollout", rollout(`"allow":[]`, `"allow":["`+secret+`"]`), nil, "allow.0"},
		{"PUT", "/v1/admin/rollout", rollout(`"newUsers":"firebase"`, `"newUsers":"`+secret+`"`), nil, "newUsers"},
		{"PUT", "/v1/admin/rollout", rollout(`"usersPercent":0`, `"usersPercent":101`), nil, "usersPercent"},
		{"PUT", "/v1/admin/rollout", rollout(`"usersPercent":0`, `"usersPercent":1e999`), nil, "usersPercent"},
		{"PUT", "/v1/admin/rollout", rollout(`"revision":0`, `"revision":0.0`), nil, "revision"},
		{"PUT", "/v1/admin/rollout", rollout(`"revision":0`, `"revision":1e300`), nil, "revision"},
		{"POST", "/v1/auth/login", `{"email":"jane@example.com"}`, nil, "password"},
		{"POST", "/v1/auth/login", `{"email":5,"password":"` + secret + `"}`, nil, "email"},
		{"POST", "/v1/auth/login", `["` + secret + `"]`, nil, "body"},
		{"POST", "/v1/auth/login", "", nil, "body"},
		{"POST", "/auth/verify-token", `{"token":"a.b.c","userId":5}`, nil, "userId"},
	} {
		header := append([]string{}, c.header...)
		if c.path != "/v1/auth/login" {
			header = append(header, "Authorization", "Bearer "+admin.token)
		}
		what := c.method + " " + c.path + " " + c.body
		answer := ask(t, s, c.method, c.path, c.body, header...)
		answer.expect(t, what, 400, "invalid_request")
		var envelope client.Failure
		if err := json.Unmarshal(answer.body, &envelope); err != nil || envelope.Errors == nil || len(*envelope.Errors) != 1 {
			t.Errorf("%s: no field is named: %v\n%s", what, err, answer.body)
			continue
		}
		if got := (*envelope.Errors)[0]; got.Field != c.field || got.Message == "" || strings.Contains(got.Message, secret) ||
			strings.Contains(got.Message, "json.") {
			t.Errorf("%s: the error is %+v, expected the field %s without its value", what, got, c.field)
		}
	}
}
