package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/testkit/servicetest"
)

type admin struct {
	id    uuid.UUID
	token string
}

func newAdmin(t testing.TB, s *servicetest.Stack) admin {
	t.Helper()
	uid, email := newUID(), servicetest.Email()
	id := legacyRow(t, s, email, map[string]any{
		"firebase_uid": uid, "auth_provider": "firebase", "password_hash": nil, "user_type": "admin", "email_proven_at": time.Now(),
	})
	return admin{id: id, token: mint(t, s, claims(uid, email))}
}

func (a admin) read(t testing.TB, s *servicetest.Service) client.Rollout {
	t.Helper()
	answer, err := s.API.GetRolloutWithResponse(t.Context(), servicetest.Bearer(a.token))
	if err != nil || answer.JSON200 == nil {
		t.Fatalf("read the rollout: %v %s", err, answer.Body)
	}
	return answer.JSON200.Data.Rollout
}

func (a admin) change(t testing.TB, s *servicetest.Service, apply func(*client.RolloutChange)) client.RolloutChange {
	t.Helper()
	r := a.read(t, s)
	out := client.RolloutChange{
		Revision: r.Revision, UsersPercent: r.UsersPercent, TrafficPercent: r.TrafficPercent, NewUsers: r.NewUsers,
		Allow: r.Allow, Deny: r.Deny, BelowFullTraffic: r.BelowFullTraffic,
	}
	apply(&out)
	return out
}

func (a admin) set(t testing.TB, s *servicetest.Service, apply func(*client.RolloutChange)) client.Rollout {
	t.Helper()
	answer, err := s.API.SetRolloutWithResponse(t.Context(), a.change(t, s, apply), servicetest.Bearer(a.token))
	if err != nil || answer.JSON200 == nil {
		t.Fatalf("set the rollout: %v %s", err, answer.Body)
	}
	return answer.JSON200.Data.Rollout
}

func (a admin) put(t testing.TB, s *servicetest.Service, body string) reply {
	t.Helper()
	return ask(t, s, http.MethodPut, "/v1/admin/rollout", body, "Authorization", "Bearer "+a.token)
}

var trusting = map[string]string{"LEGACY_EMAIL_VERIFIED": "trust"}

// An unchanged write is no change.
func TestRolloutAdmin_AChangeIsSeenEverywhereAndOnRecord_R5(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	s, other := stack.Start(t, trusting), stack.Start(t, trusting)
	operator := newAdmin(t, stack)
	before := operator.read(t, s)
	if before.Revision != 0 || before.UsersPercent != 0 || before.TrafficPercent != 0 || before.NewUsers != "firebase" || before.UpdatedBy != "system" {
		t.Errorf("a new rollout is %+v", before)
	}
	listed, denied := uuid.New(), uuid.New()
	change := operator.change(t, s, func(c *client.RolloutChange) {
		c.UsersPercent, c.TrafficPercent, c.NewUsers, c.BelowFullTraffic = 12.34, 99.99, "local", true
		c.Allow, c.Deny = []uuid.UUID{listed}, []uuid.UUID{denied}
	})
	answer := operator.put(t, s, jsonOf(t, change))
	answer.expect(t, "setRollout", 200, "")
	after := operator.read(t, other)
	if after.Revision != 1 || after.UpdatedBy != "user:"+operator.id.String() || !after.UpdatedAt.After(before.UpdatedAt) {
		t.Errorf("another instance has %+v", after)
	}
	change.Revision = 1
	if stands := operator.change(t, other, func(*client.RolloutChange) {}); !reflect.DeepEqual(stands, change) {
		t.Errorf("R5: another instance has %+v, expected %+v", stands, change)
	}
	want := map[string]any{
		"users": map[string]any{"old": 0.0, "new": 12.34}, "traffic": map[string]any{"old": 0.0, "new": 99.99},
		"new_users": map[string]any{"old": "firebase", "new": "local"}, "below_full_traffic": map[string]any{"old": false, "new": true},
		"allow":    map[string]any{"old": []any{}, "new": []any{listed.String()}},
		"deny":     map[string]any{"old": []any{}, "new": []any{denied.String()}},
		"revision": 1.0,
	}
	if actor, request, details := lastChange(t, stack); actor != "user:"+operator.id.String() || request != answer.header.Get("X-Request-Id") ||
		!reflect.DeepEqual(details, want) {
		t.Errorf("O4: on record are %s, request %s, %v", actor, request, details)
	}
	operator.put(t, s, jsonOf(t, change)).expect(t, "the same again", 200, "")
	if n := count(t, stack, "auth.audit_events WHERE action = 'rollout.changed'"); n != 1 || operator.read(t, s).Revision != 1 {
		t.Errorf("a change that changes nothing left %d events, expected one", n)
	}
}

func lastChange(t *testing.T, s *servicetest.Stack) (actor, request string, details map[string]any) {
	t.Helper()
	var raw []byte
	err := s.DB.QueryRow(t.Context(), `SELECT actor, request_id, details FROM auth.audit_events
		WHERE action = 'rollout.changed' AND user_id IS NULL ORDER BY id DESC LIMIT 1`).Scan(&actor, &request, &raw)
	if err == nil {
		err = json.Unmarshal(raw, &details)
	}
	if err != nil {
		t.Fatal(err)
	}
	return actor, request, details
}

func TestRolloutAdmin_UnrecordedIsUnchanged_O4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	operator := newAdmin(t, s.Stack)
	execute(t, s.Stack, "ALTER TABLE auth.audit_events ADD CONSTRAINT no_room CHECK (action <> 'rollout.changed')")
	change := operator.change(t, s, func(c *client.RolloutChange) { c.TrafficPercent = 100 })
	operator.put(t, s, jsonOf(t, change)).expect(t, "a change that cannot be recorded", 500, "internal")
	if stands := operator.read(t, s); stands.Revision != 0 || stands.TrafficPercent != 0 {
		t.Errorf("O4: it stands at %+v, expected nothing changed", stands)
	}
}

// Every platform service can sign a legacy token.
func TestRolloutAdmin_WhoMay_T8(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	email := servicetest.Email()
	local := localUser(t, s.Stack, email, servicetest.Password, map[string]any{"user_type": "admin"})
	operator := newAdmin(t, s.Stack)
	plain := localUser(t, s.Stack, servicetest.Email(), servicetest.Password)
	for who, token := range map[string]string{
		"a user":                                  s.Person(t).IDToken,
		"an admin by our legacy token":            legacyLogin(t, s, email, servicetest.Password).AccessToken,
		"an admin by the old service's":           hs256(t, accessSecret, oldAccess(local, email, map[string]any{"user_type": "admin"})),
		"an admin of Firebase's by a legacy one":  hs256(t, accessSecret, oldAccess(operator.id, email, map[string]any{"user_type": "admin"})),
		"a user whose legacy token says admin":    hs256(t, accessSecret, oldAccess(plain, email, map[string]any{"user_type": "admin"})),
		"a user whose Firebase token says admin":  mint(t, s.Stack, claims(newUID(), servicetest.Email(), map[string]any{"user_type": "admin", "admin": true})),
		"an editor, which is no admin either":     editorToken(t, s.Stack),
		"somebody who has signed in at last here": newLogin(t, s, *s.Person(t).Email, servicetest.Password).IDToken,
	} {
		ask(t, s, "GET", "/v1/admin/rollout", "", "Authorization", "Bearer "+token).expect(t, "getRollout by "+who, 403, "forbidden")
		ask(t, s, "PUT", "/v1/admin/rollout", rolloutBody, "Authorization", "Bearer "+token).expect(t, "setRollout by "+who, 403, "forbidden")
	}
	if stands := operator.read(t, s); stands.Revision != 0 {
		t.Errorf("T8: somebody changed the rollout: %+v", stands)
	}
	gone := newAdmin(t, s.Stack)
	execute(t, s.Stack, "UPDATE auth.users SET is_active = false WHERE id = $1", gone.id)
	ask(t, s, "GET", "/v1/admin/rollout", "", "Authorization", "Bearer "+gone.token).expect(t, "a deactivated admin", 403, "account_deactivated")
}

func editorToken(t *testing.T, s *servicetest.Stack) string {
	t.Helper()
	uid, email := newUID(), servicetest.Email()
	legacyRow(t, s, email, map[string]any{"firebase_uid": uid, "auth_provider": "firebase", "password_hash": nil, "user_type": "editor"})
	return mint(t, s, claims(uid, email))
}

func TestRolloutAdmin_Refuses(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	operator := newAdmin(t, s.Stack)
	operator.set(t, s, func(c *client.RolloutChange) { c.TrafficPercent = 1 })
	id := uuid.NewString()
	many := make([]string, 1001)
	for i := range many {
		many[i] = uuid.NewString()
	}
	for field, values := range map[string][]any{
		"revision":         {0, 2, -1, 1.5, "1", nil},
		"usersPercent":     {12.345, 0.001, 100.01, -1, 1e300, "10", nil},
		"trafficPercent":   {99.999, 101, -0.01, "100", nil},
		"newUsers":         {"mars", "", "LOCAL", 1, nil},
		"allow":            {[]string{id, id}, many, []any{1}, id, nil},
		"deny":             {[]string{id, id}, many, id, nil},
		"belowFullTraffic": {"yes", 1, nil},
		"users":            {10}, // the database's name
	} {
		for _, value := range values {
			body := map[string]any{
				"revision": 1, "usersPercent": 5, "trafficPercent": 100, "newUsers": "firebase", "allow": []string{}, "deny": []string{},
				"belowFullTraffic": false,
			}
			body[field] = value
			what := field + " " + fmt.Sprintf("%.20v", value)
			answer := operator.put(t, s, jsonOf(t, body))
			answer.expect(t, what, 400, "invalid_request")
			if !strings.Contains(string(answer.body), `"`+field) && field != "users" {
				t.Errorf("%s: the answer does not name the field: %s", what, answer.body)
			}
			if delete(body, field); field != "users" {
				operator.put(t, s, jsonOf(t, body)).expect(t, "without "+field, 400, "invalid_request")
			}
		}
	}
	noID := strings.Replace(rolloutBody, `"allow":[]`, `"allow":["jane"]`, 1)
	for _, body := range []string{`{`, `[]`, `null`, `{"revision":1}`, rolloutBody + rolloutBody, noID} {
		operator.put(t, s, body).expect(t, body, 400, "invalid_request")
	}
	if stands := operator.read(t, s); stands.Revision != 1 || stands.TrafficPercent != 1 || stands.UsersPercent != 0 {
		t.Errorf("refusals left the rollout at %+v", stands)
	}
}

// Only moves need the decision on addresses.
func TestRolloutAdmin_MovesWantADecision_M5(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	undecided, decided := stack.Start(t), stack.Start(t, trusting)
	operator := newAdmin(t, stack)
	for what, apply := range map[string]func(*client.RolloutChange){
		"percent": func(c *client.RolloutChange) { c.UsersPercent = 0.01 },
		"allow":   func(c *client.RolloutChange) { c.Allow = []uuid.UUID{uuid.New()} },
	} {
		answer := operator.put(t, undecided, jsonOf(t, operator.change(t, undecided, apply)))
		answer.expect(t, what, 400, "invalid_request")
		if !strings.Contains(string(answer.body), "LEGACY_EMAIL_VERIFIED") {
			t.Errorf("M5: %s: the answer does not say what to do: %s", what, answer.body)
		}
	}
	operator.set(t, undecided, func(c *client.RolloutChange) { c.TrafficPercent, c.NewUsers = 100, "local" })
	operator.set(t, decided, func(c *client.RolloutChange) { c.UsersPercent, c.Allow = 50, []uuid.UUID{uuid.New()} })
	operator.set(t, undecided, func(c *client.RolloutChange) {
		c.UsersPercent, c.Allow, c.Deny = 5, []uuid.UUID{}, []uuid.UUID{uuid.New()}
	})
}

func TestRolloutAdmin_OneOfManyAtOnce_R5(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	instances := []*servicetest.Service{stack.Start(t, trusting), stack.Start(t, trusting)}
	operator := newAdmin(t, stack)
	bodies := make([]string, 20)
	for i := range bodies {
		bodies[i] = jsonOf(t, operator.change(t, instances[0], func(c *client.RolloutChange) { c.UsersPercent = float64(i + 1) }))
	}
	answers := make([]reply, len(bodies))
	var all sync.WaitGroup
	for i, body := range bodies {
		all.Go(func() { answers[i] = operator.put(t, instances[i%2], body) })
	}
	all.Wait()
	heard := 0
	for _, answer := range answers {
		if answer.status == http.StatusOK {
			heard++
			continue
		}
		answer.expect(t, "whoever came later", 400, "invalid_request")
	}
	if events := count(t, stack, "auth.audit_events WHERE action = 'rollout.changed'"); heard != 1 || events != 1 {
		t.Errorf("R5: %d of 20 were heard and %d are on record, expected one", heard, events)
	}
}
