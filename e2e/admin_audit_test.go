package e2e

import (
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/testkit/servicetest"
)

func TestAdminAudit_List_O4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator := newAdmin(t, s.Stack)
	jane, joan := uuid.New(), uuid.New()
	begin := time.Now().UTC().Truncate(time.Second).Add(-time.Hour)
	var all []int64
	for i, e := range []struct {
		action, actor string
		user          any
	}{
		{"user.moved", "user:" + jane.String(), jane},
		{"user.linked", "token:x", jane},
		{"rollout.changed", "cli:me", nil},
		{"user.moved", "user:" + joan.String(), joan},
		{"user.deactivated", "cli:me", jane},
	} {
		var id int64
		err := s.DB.QueryRow(t.Context(), `INSERT INTO auth.audit_events (occurred_at, action, actor, user_id, details) VALUES ($1, $2, $3, $4, '{"n": 1}')
			RETURNING id`, begin.Add(time.Duration(i/2)*time.Minute), e.action, e.actor, e.user).Scan(&id) // two in one instant
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, id)
	}
	at := func(minutes int) string { return begin.Add(time.Duration(minutes) * time.Minute).Format(time.RFC3339) }
	for what, c := range map[string]struct {
		query url.Values
		want  []int
	}{
		"all":                      {url.Values{}, []int{4, 3, 2, 1, 0}},
		"about somebody":           {url.Values{"user_id": {jane.String()}}, []int{4, 1, 0}},
		"by somebody":              {url.Values{"actor": {"cli:me"}}, []int{4, 2}},
		"of a kind":                {url.Values{"action": {"user.moved"}}, []int{3, 0}},
		"since":                    {url.Values{"since": {at(1)}}, []int{4, 3, 2}},
		"until":                    {url.Values{"until": {at(1)}}, []int{1, 0}},
		"between":                  {url.Values{"since": {at(1)}, "until": {at(2)}}, []int{3, 2}},
		"by somebody of a kind":    {url.Values{"actor": {"cli:me"}, "action": {"user.deactivated"}}, []int{4}},
		"about somebody by nobody": {url.Values{"user_id": {jane.String()}, "actor": {"system"}}, nil},
	} {
		for _, limit := range []string{"1", "2", "100"} {
			c.query.Del("cursor")
			c.query.Set("limit", limit)
			var want, got []int64
			for _, i := range c.want {
				want = append(want, all[i])
			}
			for _, e := range operator.events(t, s, c.query) {
				got = append(got, e.ID)
			}
			if !slices.Equal(got, want) {
				t.Errorf("O4: %s, %s a page: %v, expected %v", what, limit, got, want)
			}
		}
	}
	page := decoded[client.AuditPageEnvelope](t, operator.ask(t, s, "GET", "/v1/admin/audit-events?limit=1&action=rollout.changed", ""))
	if e := page.Data.Events[0]; e.UserID != nil || e.RequestID != nil || e.Actor != "cli:me" || e.Details["n"] != 1.0 || !e.OccurredAt.Equal(begin.Add(time.Minute)) {
		t.Errorf("O4: an event is %+v", e)
	}
	for _, query := range []string{
		"limit=0", "limit=101", "user_id=jane", "actor=", "actor=%00", "action=%ff", "since=yesterday", "until=2026", "cursor=x", "cursor=e30",
	} {
		operator.ask(t, s, "GET", "/v1/admin/audit-events?"+query, "").expect(t, query, 400, "invalid_request")
	}
}
