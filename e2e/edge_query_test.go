package e2e

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/testkit/servicetest"
)

const nilID = "00000000-0000-0000-0000-000000000000"

func (r reply) expectField(t testing.TB, what, field string) {
	t.Helper()
	r.expect(t, what, http.StatusBadRequest, "invalid_request")
	var envelope client.Failure
	if err := json.Unmarshal(r.body, &envelope); err != nil || envelope.Errors == nil || len(*envelope.Errors) != 1 || (*envelope.Errors)[0].Field != field {
		t.Errorf("%s answered %s (%v), expected the field %s", what, r.body, err, field)
	}
}

// A reader that drops a broken filter would list everything.
func TestQuery_UnreadableIsRefused(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator := newAdmin(t, s.Stack)
	for _, path := range []string{
		"/v1/admin/users", "/v1/admin/audit-events", "/v1/admin/jobs", "/v1/users/" + operator.id.String() + "/token-balance/entries",
	} {
		for _, query := range []string{"q=%zz", "q=100%", "q=a;b", "user_id=%zz", "cursor=%", "limit=1&%=x", "state=%zz&limit=1", ";"} {
			operator.ask(t, s, http.MethodGet, path+"?"+query, "").expectField(t, path+"?"+query, "query")
		}
		operator.ask(t, s, http.MethodGet, path+"?&&unknown=x&", "").expect(t, "empty and unknown parameters at "+path, http.StatusOK, "")
	}
	ask(t, s, http.MethodGet, "/v1/admin/users?q=%zz", "").expect(t, "without a credential", http.StatusUnauthorized, "token_missing")
}

// Zero values of Go are valid filters too.
func TestQuery_AFilterHoldsAtItsSmallestValue(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator := newAdmin(t, s.Stack)
	operator.act(t, s, s.Person(t).User.ID, "revoke-tokens")
	for _, query := range []string{"user_id=" + nilID, "until=0001-01-01T00:00:00Z", "since=9999-12-31T23:59:59Z", "actor=nobody", "action=none"} {
		page := decoded[client.AuditPageEnvelope](t, operator.ask(t, s, http.MethodGet, "/v1/admin/audit-events?"+query, ""))
		if len(page.Data.Events) != 0 {
			t.Errorf("%s found %d events, expected none: %+v", query, len(page.Data.Events), page.Data.Events[0])
		}
	}
	users := decoded[client.UserPageEnvelope](t, operator.ask(t, s, http.MethodGet, "/v1/admin/users?q="+nilID, ""))
	if len(users.Data.Users) != 0 {
		t.Errorf("the nil id found %+v", users.Data.Users)
	}
}

// A refused cursor must never lead to the first page.
func TestCursor_OfAnotherListIsRefused(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator := newAdmin(t, s.Stack)
	person := s.Person(t)
	operator.act(t, s, person.User.ID, "revoke-tokens")
	operator.act(t, s, person.User.ID, "revoke-tokens")
	credit := func(key string) {
		ask(t, s, http.MethodPost, "/v1/users/"+person.User.ID.String()+"/token-balance", `{"amount":5,"reason":"a test"}`,
			"Authorization", "Bearer "+operator.token, "Idempotency-Key", key).expect(t, "a credit", http.StatusOK, "")
	}
	credit("one")
	credit("two")
	ledger := "/v1/users/" + person.User.ID.String() + "/token-balance/entries"
	lists := []string{"/v1/admin/users?", "/v1/admin/users?q=a@&", "/v1/admin/users?q=a&", "/v1/admin/audit-events?", "/v1/admin/jobs?", ledger + "?"}
	given := map[string]string{}
	for _, list := range []string{"/v1/admin/users?", "/v1/admin/audit-events?", ledger + "?"} {
		page := decoded[struct {
			Data struct {
				Next *string `json:"next_cursor"`
			} `json:"data"`
		}](t, operator.ask(t, s, http.MethodGet, list+"limit=1", ""))
		if page.Data.Next == nil {
			t.Fatalf("%s has one page: the test needs two", list)
		}
		given[list] = *page.Data.Next
		operator.ask(t, s, http.MethodGet, list+"cursor="+*page.Data.Next, "").expect(t, list+" with its own cursor", http.StatusOK, "")
	}
	for _, list := range lists {
		for from, cursor := range given {
			if from != list {
				operator.ask(t, s, http.MethodGet, list+"cursor="+cursor, "").expectField(t, list+" with the cursor of "+from, "cursor")
			}
		}
		for _, text := range []string{`{}`, `null`, `[]`, `{"after":"7"}`, `{"After":7}`, `{"before":1,"before":2}`, `{"after":7,"more":1}`, `{"before":1} `, `7`} {
			cursor := base64.RawURLEncoding.EncodeToString([]byte(text))
			operator.ask(t, s, http.MethodGet, list+"cursor="+cursor, "").expectField(t, list+" with "+text, "cursor")
		}
		own := given[list]
		if own != "" {
			operator.ask(t, s, http.MethodGet, list+"cursor="+own+"%0A", "").expectField(t, list+" with a line break behind its cursor", "cursor")
			operator.ask(t, s, http.MethodGet, list+"cursor="+strings.ToLower(own), "").expectField(t, list+" with its cursor in small letters", "cursor")
		}
	}
}

func TestMethods_AnUnknownOneAtNoPathIsNotFound(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	for _, method := range []string{"PROPFIND", "get", "SEARCH", "X"} {
		ask(t, s, method, "/nowhere", "").expect(t, method+" /nowhere", http.StatusNotFound, "not_found")
		answer := ask(t, s, method, "/v1/auth/login", "")
		answer.expect(t, method+" /v1/auth/login", http.StatusMethodNotAllowed, "method_not_allowed")
		if answer.header.Get("Allow") != "POST" {
			t.Errorf("%s: Allow is %q", method, answer.header.Get("Allow"))
		}
	}
}
