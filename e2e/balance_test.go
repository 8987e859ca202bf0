package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/apikey"
	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/servicetest"
)

const spend5 = `{"amount":-5,"reason":"One chat message"}`

// W2: a key belongs to one caller and one user. A refused change may be tried again under its key.
func TestBalance_AChangeIsMadeOnce_W2(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	s, other := stack.Start(t), stack.Start(t)
	key, _ := newKey(t, stack, apikey.Balance)
	another, _ := newKey(t, stack, apikey.Balance)
	id, neighbour := holder(t, stack, 12), holder(t, stack, 0)
	charge(t, s, key, id, "one", spend5).expectCharged(t, "the first", 7, false)
	charge(t, other, key, id, "two", `{"amount":3,"reason":"A gift"}`).expectCharged(t, "another", 10, false)
	for _, instance := range []*servicetest.Service{s, other} {
		answer := charge(t, instance, key, id, "one", `{ "reason": "One chat message", "amount": -5 }`)
		answer.expectCharged(t, "the first again", 7, true)
	}
	for _, body := range []string{`{"amount":-6,"reason":"One chat message"}`, `{"amount":-5,"reason":"one chat message"}`, `{"amount":5,"reason":"One chat message"}`} {
		charge(t, s, key, id, "one", body).expect(t, "the key with "+body, 422, "idempotency_conflict")
	}
	charge(t, s, another, id, "one", spend5).expectCharged(t, "another caller's key of this name", 5, false)
	charge(t, s, key, neighbour, "one", spend5).expect(t, "the key for another user, who has nothing", 409, "insufficient_balance")
	charge(t, s, key, neighbour, "credit", `{"amount":9,"reason":"A gift"}`).expectCharged(t, "a credit", 9, false)
	charge(t, s, key, neighbour, "one", spend5).expectCharged(t, "the refused key, tried again", 4, false)
	charge(t, s, key, id, "ONE", spend5).expectCharged(t, "a key in other letters", 0, false)
	charge(t, s, key, id, "one", spend5).expectCharged(t, "the first, where nothing is left", 7, true)
	expectBalanced(t, stack, "all this")
	if n := count(t, stack, "auth.ledger_entries WHERE kind = 'change'"); n != 6 {
		t.Errorf("W3: %d changes are entered, expected 6", n)
	}
}

// W1: a balance stays between zero and the largest int32. An older debt may be paid in parts.
func TestBalance_ItsBounds_W1(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	key, _ := newKey(t, s.Stack, apikey.Balance)
	const most = 2147483647
	for _, test := range []struct {
		stands any
		amount int64
		after  int
		code   string
	}{
		{0, 1, 1, ""},
		{nil, 1, 1, ""},
		{nil, -1, 0, "insufficient_balance"},
		{0, -1, 0, "insufficient_balance"},
		{5, -5, 0, ""},
		{5, -6, 0, "insufficient_balance"},
		{-5, 3, -2, ""},
		{-5, 5, 0, ""},
		{-5, -1, 0, "insufficient_balance"},
		{0, most, most, ""},
		{1, most, 0, "balance_overflow"},
		{most, 1, 0, "balance_overflow"},
		{most, -most, 0, ""},
		{0, most + 1, 0, "balance_overflow"},
		{-1, most + 1, most, ""},
		{most, -most - 1, 0, "insufficient_balance"},
		{0, 1<<53 - 1, 0, "balance_overflow"},
		{0, -(1<<53 - 1), 0, "insufficient_balance"},
		{-2147483648, 1 << 32, 0, "balance_overflow"},
	} {
		id, what := holder(t, s.Stack, test.stands), fmt.Sprintf("%v and %d", test.stands, test.amount)
		answer := charge(t, s, key, id, "key", fmt.Sprintf(`{"amount":%d,"reason":"test"}`, test.amount))
		switch test.code {
		case "":
			answer.expectCharged(t, what, test.after, false)
			continue
		case "balance_overflow":
			answer.expect(t, what, 422, test.code)
		default:
			answer.expect(t, what, 409, test.code)
		}
		if count(t, s.Stack, "auth.users WHERE id = $1 AND token_balance IS NOT DISTINCT FROM $2::int", id, test.stands) != 1 {
			t.Errorf("W1: %s: a refusal has changed the balance", what)
		}
	}
	expectBalanced(t, s.Stack, "all this")
}

// The user must exist, and may be deactivated.
func TestBalance_OfWhom(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	key, _ := newKey(t, s.Stack, apikey.Balance)
	session := s.Person(t)
	deactivated := holder(t, s.Stack, 9)
	execute(t, s.Stack, "UPDATE auth.users SET is_active = false WHERE id = $1", deactivated)
	charge(t, s, key, deactivated, "key", spend5).expectCharged(t, "a debit of a deactivated user", 4, false)
	charge(t, s, key, deactivated, "back", `{"amount":5,"reason":"Refund"}`).expectCharged(t, "a credit to a deactivated user", 9, false)
	charge(t, s, key, uuid.New(), "key", spend5).expect(t, "an unknown user", 404, "not_found")
	listed(t, s, key, uuid.New(), "").expect(t, "the ledger of an unknown user", 404, "not_found")
	charge(t, s, key, session.User.ID, "key", `{"amount":7,"reason":"Welcome"}`).expectCharged(t, "a new user", 7, false)
	export := decoded[client.ExportEnvelope](t, ask(t, s, "GET", "/v1/auth/me/export", "", "Authorization", "Bearer "+session.IDToken)).Data
	if e := export.TokenBalanceEntries; len(e) != 1 || e[0].Amount != 7 || e[0].BalanceAfter != 7 || e[0].Kind != "change" || *e[0].Reason != "Welcome" {
		t.Errorf("exported are %+v, expected the one entry", e)
	}
	ask(t, s, "DELETE", "/v1/auth/me", "", "Authorization", "Bearer "+session.IDToken).expect(t, "deleteMe", 200, "")
	charge(t, s, key, session.User.ID, "key", `{"amount":7,"reason":"Welcome"}`).expectCharged(t, "what was made before the deletion", 7, true)
	charge(t, s, key, session.User.ID, "other", `{"amount":7,"reason":"Welcome"}`).expect(t, "a deleted user", 404, "not_found")
	if page := pageOf(t, listed(t, s, key, session.User.ID, "")); len(page.Entries) != 2 || page.Entries[0].Kind != "closing" || page.Entries[0].Amount != -7 {
		t.Errorf("F10, W3: of a deleted user are kept %+v, expected the change and the closing entry", page.Entries)
	}
	empty := holder(t, s.Stack, 0)
	if page := pageOf(t, listed(t, s, key, empty, "")); len(page.Entries) != 0 || page.Next != nil {
		t.Errorf("somebody without entries has %+v", page)
	}
}

func TestBalance_Refuses(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	key, _ := newKey(t, s.Stack, apikey.Balance)
	id := holder(t, s.Stack, 50)
	for body, field := range map[string]string{
		`{"amount":0,"reason":"x"}`: "amount", `{"amount":1.5,"reason":"x"}`: "amount", `{"amount":"1","reason":"x"}`: "amount",
		`{"amount":null,"reason":"x"}`: "amount", `{"reason":"x"}`: "amount", `{"amount":9007199254740992,"reason":"x"}`: "amount",
		`{"amount":1e400,"reason":"x"}`: "", `{"amount":1}`: "reason", `{"amount":1,"reason":""}`: "reason", `{"amount":1,"reason":null}`: "reason",
		`{"amount":1,"reason":"a\nb"}`: "reason", `{"amount":1,"reason":"\u009b"}`: "reason", `{"amount":1,"reason":"` + strings.Repeat("x", 201) + `"}`: "reason",
		`{"amount":1,"reason":"x","key":1}`: "key", `{"amount":1,"reason":"x"}{}`: "", `[]`: "", `{`: "", "null": "", "": "",
	} {
		answer := charge(t, s, key, id, "key", body)
		answer.expect(t, body, 400, "invalid_request")
		if field != "" && !strings.Contains(string(answer.body), `"`+field) {
			t.Errorf("%s: the answer does not name %s: %s", body, field, answer.body)
		}
	}
	for _, name := range []string{"", " ", "a b", "ä", strings.Repeat("k", 256)} {
		charge(t, s, key, id, name, spend5).expect(t, "the key "+name, 400, "invalid_request")
	}
	ask(t, s, "POST", balancePath(id), spend5, keyHeader, key).expect(t, "no key", 400, "invalid_request")
	ask(t, s, "POST", balancePath(id), spend5, keyHeader, key, "Idempotency-Key", "a", "Idempotency-Key", "b").expect(t, "two keys", 400, "invalid_request")
	ask(t, s, "POST", "/v1/users/jane/token-balance", spend5, keyHeader, key, "Idempotency-Key", "a").expect(t, "no id", 400, "invalid_request")
	for _, query := range []string{"cursor=x", "cursor=0", "cursor=-1", "cursor=9999999999999999999", "cursor=", "limit=0", "limit=101", "limit=x"} {
		listed(t, s, key, id, query).expect(t, query, 400, "invalid_request")
	}
	if n := count(t, s.Stack, "auth.ledger_entries WHERE kind <> 'external'"); n != 0 {
		t.Errorf("refusals left %d entries", n)
	}
	longest := strings.Repeat("~", 255)
	charge(t, s, key, id, longest, `{"amount":-5,"reason":"`+strings.Repeat("ü", 200)+`"}`).expectCharged(t, "the longest key and reason", 45, false)
}

// T8, O4: the ledger alone records changes by services.
func TestBalance_WhoMayAndIsOnRecord_T8_O4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator, session := newAdmin(t, s.Stack), s.Person(t)
	ours, key := newKey(t, s.Stack, apikey.Balance)
	master, masterKey := newKey(t, s.Stack, apikey.Admin)
	events, _ := newKey(t, s.Stack, apikey.Events)
	id := holder(t, s.Stack, 100)
	email := servicetest.Email()
	localUser(t, s.Stack, email, servicetest.Password, map[string]any{"user_type": "admin"})
	for who, header := range map[string][]string{
		"a user, of himself":         {"Authorization", "Bearer " + session.IDToken},
		"an admin by a legacy token": {"Authorization", "Bearer " + legacyLogin(t, s, email, servicetest.Password).AccessToken},
		"a key for events":           {keyHeader, events},
	} {
		for _, of := range []uuid.UUID{id, session.User.ID} {
			ask(t, s, "POST", balancePath(of), spend5, append(header, "Idempotency-Key", "key")...).expect(t, who, 403, "forbidden")
			ask(t, s, "GET", balancePath(of)+"/entries", "", header...).expect(t, who, 403, "forbidden")
		}
	}
	for i, header := range [][]string{{"Authorization", "Bearer " + operator.token}, {keyHeader, master}, {keyHeader, ours}} {
		for _, replayed := range []bool{false, true} {
			ask(t, s, "POST", balancePath(id), spend5, append(header, "Idempotency-Key", "key")...).expectCharged(t, "a change", 95-5*i, replayed)
		}
		refused := ask(t, s, "POST", balancePath(id), `{"amount":-200,"reason":"x"}`, append(header, "Idempotency-Key", "much")...)
		refused.expect(t, "a change", 409, "insufficient_balance")
	}
	callers := []string{"user:" + operator.id.String(), "key:" + masterKey.ID, "key:" + key.ID}
	page := pageOf(t, ask(t, s, "GET", balancePath(id)+"/entries", "", "Authorization", "Bearer "+operator.token))
	for i, caller := range callers {
		if e := page.Entries[len(callers)-1-i]; e.Caller != caller || e.Kind != "change" || *e.Reason != "One chat message" || *e.Key != "key" ||
			e.Amount != -5 || time.Since(e.OccurredAt) > time.Minute {
			t.Errorf("W3: entered is %+v, expected the change by %s", e, caller)
		}
		want := 1
		if i == 2 {
			want = 0
		}
		if n := count(t, s.Stack, "auth.audit_events WHERE action = 'balance.changed' AND actor = $1 AND user_id = $2 AND details @> '{\"amount\": -5}' AND request_id IS NOT NULL", caller, id); n != want {
			t.Errorf("O4: %d events on record of %s, expected %d", n, caller, want)
		}
	}
}

// O4: an unrecorded change is undone, and its key stays unused.
func TestBalance_UnrecordedIsUnchanged_O4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator, id := newAdmin(t, s.Stack), holder(t, s.Stack, 9)
	spend := func() reply {
		return ask(t, s, "POST", balancePath(id), spend5, "Authorization", "Bearer "+operator.token, "Idempotency-Key", "key")
	}
	execute(t, s.Stack, "ALTER TABLE auth.audit_events ADD CONSTRAINT no_room CHECK (action <> 'balance.changed')")
	spend().expect(t, "a change that cannot be recorded", 500, "internal")
	expectBalanced(t, s.Stack, "a change that was not made")
	execute(t, s.Stack, "ALTER TABLE auth.audit_events DROP CONSTRAINT no_room")
	spend().expectCharged(t, "the same again", 4, false)
}

func TestBalance_IsSeenEverywhere_T5(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	s, other := stack.Start(t), stack.Start(t)
	key, _ := newKey(t, stack, apikey.Balance)
	session := s.Person(t)
	for _, instance := range []*servicetest.Service{s, other} {
		expectUser(t, instance, "before", session.IDToken)
	}
	charge(t, s, key, session.User.ID, "key", `{"amount":7,"reason":"Welcome"}`).expectCharged(t, "a credit", 7, false)
	if u := expectUser(t, s, "after", session.IDToken); u.TokenBalance != 7 {
		t.Errorf("T5: the balance is %d, expected 7", u.TokenBalance)
	}
	waitFor(t, time.Second, "T5: the other instance sees the balance", func() bool {
		return expectUser(t, other, "after", session.IDToken).TokenBalance == 7
	})
}

// A change costs one statement beside the key's. An admin's costs one more for the record.
func TestBalance_QueryBudget(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	key, _ := newKey(t, s.Stack, apikey.Balance)
	operator, id := newAdmin(t, s.Stack), holder(t, s.Stack, 50)
	for _, what := range []string{"a change", "its repetition"} {
		ran := s.Queries.During(func() { charge(t, s, key, id, "key", spend5) })
		if len(ran) != 2 || ran[1] != "ChangeBalance" {
			t.Errorf("%s ran %v, expected the key's statement and one of its own", what, ran)
		}
	}
	expectUser(t, s, "the admin", operator.token) // proves the address
	expectUser(t, s, "the admin", operator.token) // caches the token
	ran := s.Queries.During(func() {
		ask(t, s, "POST", balancePath(id), spend5, "Authorization", "Bearer "+operator.token, "Idempotency-Key", "key").expectCharged(t, "an admin's", 40, false)
	})
	if want := []string{"UsersByIDs", "begin", "HoldForOperator", "ChangeBalance", "InsertAuditEvent", "commit"}; !slices.Equal(ran, want) {
		t.Errorf("an admin's change ran %v, expected %v", ran, want)
	}
	if ran := s.Queries.During(func() { listed(t, s, key, id, "") }); len(ran) != 2 {
		t.Errorf("a page ran %v, expected two statements", ran)
	}
}

func TestBalance_DatabaseAway(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	wire, throughWire := netfault.URL(t, stack.DatabaseURL)
	s := stack.Start(t, map[string]string{"DATABASE_URL": throughWire})
	key, _ := newKey(t, stack, apikey.Balance)
	id := holder(t, stack, 9)
	wire.Cut()
	charge(t, s, key, id, "key", spend5).expect(t, "a change without a database", 503, "dependency_unavailable")
	listed(t, s, key, id, "").expect(t, "a ledger without a database", 503, "dependency_unavailable")
	wire.Restore()
	charge(t, s, key, id, "key", spend5).expectCharged(t, "the same again", 4, false)
}

func TestBalance_AHeldRowLeavesRoomForOthers_O3(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	s := stack.Start(t, map[string]string{"DATABASE_URL": stack.ServingURL}) // tests the instance's own pool
	key, _ := newKey(t, s.Stack, apikey.Balance)
	id, email := holder(t, s.Stack, 0), *s.Person(t).Email
	lock, err := s.DB.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := lock.Exec(t.Context(), "UPDATE auth.users SET last_login = now() WHERE id = $1", id); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() { attempt(t.Context(), s, key, id, fmt.Sprint(n), `{"amount":1,"reason":"test"}`) })
	}
	eventually(t, "changes wait for the row", func() bool {
		return count(t, s.Stack, "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") >= 5
	})
	for range 5 {
		expectUser(t, s, "O3: somebody whom the service has not seen", s.Token(t, identityUser(email), "password"))
	}
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	expectBalanced(t, s.Stack, "the row was held")
}

type ledgerPage struct {
	Entries []struct {
		ID         int64     `json:"id"`
		Kind       string    `json:"kind"`
		Amount     int64     `json:"amount"`
		Balance    int       `json:"balance_after"`
		Reason     *string   `json:"reason"`
		Caller     string    `json:"caller"`
		Key        *string   `json:"idempotency_key"`
		OccurredAt time.Time `json:"occurred_at"`
	} `json:"entries"`
	Next *string `json:"next_cursor"`
}

func listed(t testing.TB, s *servicetest.Service, key string, id uuid.UUID, query string) reply {
	t.Helper()
	return ask(t, s, http.MethodGet, balancePath(id)+"/entries?"+query, "", keyHeader, key)
}

func pageOf(t testing.TB, answer reply) ledgerPage {
	t.Helper()
	answer.expect(t, "a page", 200, "")
	var out struct {
		Data ledgerPage `json:"data"`
	}
	if err := json.Unmarshal(answer.body, &out); err != nil {
		t.Fatal(err)
	}
	return out.Data
}

// New entries make a client neither miss nor repeat older ones.
func TestBalance_Pages(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	key, _ := newKey(t, s.Stack, apikey.Balance)
	id, neighbour := holder(t, s.Stack, 0), holder(t, s.Stack, 0)
	for n := range 25 {
		charge(t, s, key, id, fmt.Sprint(n), `{"amount":1,"reason":"test"}`)
		charge(t, s, key, neighbour, fmt.Sprint(n), `{"amount":1,"reason":"test"}`)
	}
	var balances []int
	for query := "limit=10"; ; {
		page := pageOf(t, listed(t, s, key, id, query))
		for _, e := range page.Entries {
			balances = append(balances, e.Balance)
		}
		if page.Next == nil {
			break
		}
		if len(page.Entries) != 10 {
			t.Errorf("a page has %d entries, expected 10", len(page.Entries))
		}
		query = "limit=10&cursor=" + *page.Next
		charge(t, s, key, id, "while-reading-"+*page.Next, `{"amount":1,"reason":"test"}`)
	}
	want := make([]int, 25)
	for i := range want {
		want[i] = 25 - i
	}
	if !slices.Equal(balances, want) {
		t.Errorf("the pages held %v, expected %v", balances, want)
	}
	if page := pageOf(t, listed(t, s, key, id, "")); len(page.Entries) != 27 || page.Next != nil {
		t.Errorf("the first page holds %d entries, expected all 27", len(page.Entries))
	}
}

func TestBalance_OneKeyManyTimesAtOnce_W2(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	instances := []*servicetest.Service{stack.Start(t), stack.Start(t)}
	key, _ := newKey(t, stack, apikey.Balance)
	operator := newAdmin(t, stack)
	for round := range 20 {
		id := holder(t, stack, 5)
		var made, replayed sync.Map
		var all sync.WaitGroup
		for n := range 12 {
			all.Go(func() {
				var answer reply
				if round%2 == 0 {
					answer = charge(t, instances[n%2], key, id, "key", spend5)
				} else {
					answer = ask(t, instances[n%2], "POST", balancePath(id), spend5, "Authorization", "Bearer "+operator.token, "Idempotency-Key", "key")
				}
				again := answer.header.Get("Idempotent-Replayed") != ""
				answer.expectCharged(t, "one of many", 0, again)
				if again {
					replayed.Store(n, nil)
				} else {
					made.Store(n, nil)
				}
			})
		}
		all.Wait()
		if n := size(&made); n != 1 || size(&replayed) != 11 {
			t.Errorf("W2: %d say that they made it, and %d that it was made, expected 1 and 11", n, size(&replayed))
		}
	}
	expectBalanced(t, stack, "the same key many times")
	if n := count(t, stack, "auth.audit_events WHERE action = 'balance.changed'"); n != 10 {
		t.Errorf("O4: %d events on record, expected 10", n)
	}
}

func size(m *sync.Map) (n int) {
	m.Range(func(any, any) bool { n++; return true })
	return n
}
