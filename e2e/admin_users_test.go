package e2e

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

func TestAdminUsers_Search(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator := newAdmin(t, s.Stack)
	uid := newUID()
	row := func(email, username string, changes ...map[string]any) uuid.UUID {
		return legacyRow(t, s.Stack, email, append(changes, map[string]any{"username": username})...)
	}
	jane := row("Jane.Doe@Example.org", "Jane", map[string]any{"firebase_uid": uid, "auth_provider": "firebase", "password_hash": nil})
	jane2 := row("jane.doe@example.orgs", "Jane 2", map[string]any{"is_active": false})
	jane3 := row("jane.do@example.org", "Janet", map[string]any{"federation_status": "failed", "auth_provider": nil})
	other := row("100%@example.org", "100%_\\", map[string]any{"is_active": nil, "federation_status": nil})
	umlaut := row("x@example.org", "Jäne")
	all := []uuid.UUID{jane, jane2, jane3, other, umlaut}
	slices.SortFunc(all, func(a, b uuid.UUID) int { return strings.Compare(a.String(), b.String()) })
	for what, c := range map[string]struct {
		query url.Values
		want  []uuid.UUID
	}{
		"the beginning of an e-mail":     {url.Values{"q": {"JANE.DOE@example"}}, []uuid.UUID{jane, jane2}},
		"a whole e-mail":                 {url.Values{"q": {"jane.do@example.org"}}, []uuid.UUID{jane3}},
		"an e-mail that nobody has":      {url.Values{"q": {"j%@"}}, nil},
		"an e-mail with a wildcard":      {url.Values{"q": {"100%@"}}, []uuid.UUID{other}},
		"the beginning of a username":    {url.Values{"q": {"Jane"}}, []uuid.UUID{jane, jane2, jane3}},
		"a username in another case":     {url.Values{"q": {"jane"}}, nil},
		"a username beyond ASCII":        {url.Values{"q": {"Jä"}}, []uuid.UUID{umlaut}},
		"a username with wildcards":      {url.Values{"q": {"100%_\\"}}, []uuid.UUID{other}},
		"a username like a pattern":      {url.Values{"q": {"J_n"}}, nil},
		"an id":                          {url.Values{"q": {jane3.String()}}, []uuid.UUID{jane3}},
		"a uid":                          {url.Values{"q": {uid}}, []uuid.UUID{jane}},
		"the beginning of a uid":         {url.Values{"q": {uid[:len(uid)-1]}}, nil},
		"an id that a filter holds back": {url.Values{"q": {jane3.String()}, "status": {"active"}}, nil},
		"names and a filter":             {url.Values{"q": {"Jane"}, "active": {"true"}}, []uuid.UUID{jane, jane3}},
		"e-mails and a filter":           {url.Values{"q": {"jane.do"}, "provider": {"firebase"}}, nil}, // without "@" it searches usernames
		"deactivated":                    {url.Values{"active": {"false"}}, []uuid.UUID{jane2}},
		"failed":                         {url.Values{"status": {"failed"}}, []uuid.UUID{jane3}},
		"failed and deactivated":         {url.Values{"status": {"failed"}, "active": {"false"}}, nil},
		"at Firebase":                    {url.Values{"provider": {"firebase"}, "q": {"jane.doe@"}}, []uuid.UUID{jane}},
		"what was never said is local":   {url.Values{"provider": {"local"}, "q": {"jane.do@"}}, []uuid.UUID{jane3}},
		"what was never said is active":  {url.Values{"active": {"true"}, "status": {"active"}, "q": {"100%@"}}, []uuid.UUID{other}},
	} {
		for _, limit := range []string{"1", "2", "100"} {
			c.query.Del("cursor")
			c.query.Set("limit", limit)
			found, pages := operator.finds(t, s, c.query)
			if !slices.Equal(found, c.want) || limit == "1" && pages != max(1, len(c.want)) {
				t.Errorf("%s, %s a page: %v in %d pages, expected %v", what, limit, found, pages, c.want)
			}
		}
	}
	found, _ := operator.finds(t, s, url.Values{"limit": {"2"}})
	if found = slices.DeleteFunc(found, func(id uuid.UUID) bool { return id == operator.id }); !slices.Equal(found, all) {
		t.Errorf("everybody: %v, expected %v", found, all)
	}
	page := decoded[client.UserPageEnvelope](t, operator.ask(t, s, "GET", "/v1/admin/users?limit=1", "")).Data
	for _, query := range []string{
		"limit=0", "limit=101", "limit=x", "q=", "provider=mars", "status=", "active=perhaps", "cursor=x", "cursor=e30", "cursor=%00",
		"q=%00", "q=%ff%fe", "q=%40%00", "q=a%40&cursor=" + *page.NextCursor, "cursor=" + *page.NextCursor + "%3D",
	} {
		operator.ask(t, s, "GET", "/v1/admin/users?"+query, "").expect(t, query, 400, "invalid_request")
	}
}

func TestAdminUsers_Show(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator := newAdmin(t, s.Stack)
	id := localUser(t, s.Stack, servicetest.Email(), servicetest.Password, map[string]any{"provider_data": `{"sync_failure":"email_held"}`, "federation_status": "failed"})
	answer := operator.ask(t, s, "GET", userPath(id), "")
	u := userIn(t, answer)
	if u.ID != id || u.AuthProvider != "local" || u.FederationStatus != "failed" || u.Failure == nil || *u.Failure != "email_held" ||
		u.TokensValidAfter != nil || u.TokenBalance != 7 || u.UpdatedAt == nil {
		t.Errorf("shown is %s", answer.body)
	}
	if strings.Contains(string(answer.body), "$2a$") || strings.Contains(string(answer.body), "hash") {
		t.Errorf("a hash is shown: %s", answer.body)
	}
	operator.ask(t, s, "GET", nobodyPath, "").expect(t, "nobody", 404, "not_found")
	operator.ask(t, s, "GET", "/v1/admin/users/jane", "").expect(t, "no id", 400, "invalid_request")
}

// T4, T5, O4: a reactivation revives no session.
func TestAdminUsers_DeactivateAndReactivate_T4_O4(t *testing.T) {
	t.Parallel()
	stack, instances := twoInstances(t)
	a, b := instances[0], instances[1]
	operator := newAdmin(t, stack)
	person, here := a.Person(t), livesHere(t, a)
	id := person.User.ID
	warm(t, b, person.IDToken)
	before := decoded[client.UserRecordEnvelope](t, operator.ask(t, a, "GET", userPath(id), "")).Data.User
	first := userIn(t, operator.ask(t, a, "POST", userPath(id)+"/deactivate", `{"reason":"asked for it"}`))
	if first.IsActive || first.TokensValidAfter == nil || before.TokensValidAfter != nil {
		t.Errorf("T4: deactivated is %+v", first)
	}
	expectRefusal(t, a, "T5: where it was done", person.IDToken, 403, "account_deactivated")
	refusedAs(t, b, time.Second, "T5: elsewhere", person.IDToken, "account_deactivated")
	settled(t, stack)
	ask(t, a, "POST", "/v1/auth/login", registerBody(t, *person.Email, servicetest.Password)).
		expect(t, "A3: login, where Firebase has followed and looks at no password", 401, "invalid_credentials")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() { operator.act(t, instances[i%2], id, "deactivate") })
	}
	all.Wait()
	if again := operator.act(t, b, id, "deactivate"); !again.TokensValidAfter.Equal(*first.TokensValidAfter) {
		t.Errorf("deactivating twice moved tokens_valid_after from %s to %s", first.TokensValidAfter, again.TokensValidAfter)
	}
	eventually(t, "the second of the deactivation is over", func() bool { return time.Now().After(*first.TokensValidAfter) })
	meanwhile := mint(t, stack, claims(person.UID, *person.Email)) // Firebase has not heard of it yet
	expectRefusal(t, a, "T4: a session of meanwhile", meanwhile, 403, "account_deactivated")
	for range 2 {
		if u := operator.act(t, b, id, "reactivate"); !u.IsActive {
			t.Errorf("reactivated is %+v", u)
		}
	}
	refusedAs(t, a, time.Second, "T4: a session of before", person.IDToken, "token_revoked")
	refusedAs(t, a, time.Second, "T4: a session of meanwhile, afterwards", meanwhile, "token_revoked")
	settled(t, stack)
	expectUser(t, a, "a session of after", newLogin(t, a, *person.Email, servicetest.Password).IDToken)
	events := operator.events(t, a, url.Values{"user_id": {id.String()}, "actor": {"user:" + operator.id.String()}})
	if len(events) != 2 || events[0].Action != "user.reactivated" || events[1].Action != "user.deactivated" ||
		events[1].Details["reason"] != "asked for it" || events[1].RequestID == nil {
		t.Errorf("O4: on record are %+v, expected one deactivation and one reactivation", events)
	}
	operator.act(t, a, here.id, "deactivate") // a local password
	ask(t, a, "POST", "/v1/auth/login", registerBody(t, here.email, servicetest.Password)).expect(t, "login here", 403, "account_deactivated")
	disabled, _ := atFirebaseRow(t, stack, map[string]any{"federation_status": "disabled"})
	if u := operator.act(t, a, disabled, "reactivate"); u.FederationStatus != "active" || !u.IsActive {
		t.Errorf("S1: an operator's word made what Firebase had disabled %+v", u)
	}
}

func TestAdminUsers_UnrecordedIsUndone_O4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator := newAdmin(t, s.Stack)
	id, account := atFirebaseRow(t, s.Stack)
	execute(t, s.Stack, "ALTER TABLE auth.audit_events ADD CONSTRAINT no_room CHECK (action NOT LIKE 'user.%') NOT VALID")
	before := userIn(t, operator.ask(t, s, "GET", userPath(id), ""))
	s.Identity.SetEmail(account.UID, servicetest.Email(), true)
	for _, act := range []string{"deactivate", "revoke-tokens", "sync"} {
		operator.ask(t, s, "POST", userPath(id)+"/"+act, "").expect(t, act, 500, "internal")
	}
	operator.ask(t, s, "PATCH", userPath(id), `{"username":"another","email":"another@example.com"}`).expect(t, "a change", 500, "internal")
	if after := userIn(t, operator.ask(t, s, "GET", userPath(id), "")); jsonOf(t, after) != jsonOf(t, before) {
		t.Errorf("O4: unrecorded, it became %s, from %s", jsonOf(t, after), jsonOf(t, before))
	}
	if there, _ := s.Identity.User(account.UID); there.Email == "another@example.com" {
		t.Error("O4: unrecorded, Firebase was changed")
	}
}

// Two admins that remove each other at once leave one admin.
func TestAdminUsers_AnAdminIsAlwaysLeft(t *testing.T) {
	t.Parallel()
	stack, instances := twoInstances(t)
	a := instances[0]
	self := newAdmin(t, stack)
	self.ask(t, a, "POST", userPath(self.id)+"/deactivate", "").expect(t, "deactivating oneself", 403, "forbidden")
	self.ask(t, a, "PATCH", userPath(self.id), `{"user_type":"user"}`).expect(t, "demoting oneself", 403, "forbidden")
	self.changes(t, a, self.id, map[string]any{"user_type": "admin", "username": "The operator"})
	for round := range 10 {
		one, two := newAdmin(t, stack), newAdmin(t, stack)
		var all sync.WaitGroup
		strike := func(s *servicetest.Service, by admin, upon uuid.UUID) {
			if round%2 == 0 {
				by.ask(t, s, "POST", userPath(upon)+"/deactivate", "")
				return
			}
			by.ask(t, s, "PATCH", userPath(upon), `{"user_type":"user"}`)
		}
		all.Go(func() { strike(instances[0], one, two.id) })
		all.Go(func() { strike(instances[1], two, one.id) })
		all.Wait()
		left := countRows(t, stack, "id = ANY($1) AND coalesce(is_active, true) AND user_type = 'admin'", []uuid.UUID{one.id, two.id})
		if left != 1 {
			t.Fatalf("round %d: %d of two admins who removed each other are left, expected one", round, left)
		}
	}
}

// T4: two revocations within a second count as two.
func TestAdminUsers_RevokeTokens_T4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator := newAdmin(t, s.Stack)
	person := s.Person(t)
	warm(t, s, person.IDToken)
	u := operator.act(t, s, person.User.ID, "revoke-tokens")
	expectRefusal(t, s, "T4", person.IDToken, 401, "token_revoked")
	if u.TokensValidAfter == nil || u.TokensValidAfter.Nanosecond() != 0 || !u.IsActive {
		t.Errorf("T4: revoked is %+v", u)
	}
	next := newLogin(t, s, *person.Email, servicetest.Password)
	expectUser(t, s, "a session of after", next.IDToken)
	operator.act(t, s, person.User.ID, "revoke-tokens")
	expectRefusal(t, s, "T4: again", next.IDToken, 401, "token_revoked")
	if n := count(t, s.Stack, "auth.audit_events WHERE action = 'user.tokens_revoked' AND user_id = $1", person.User.ID); n != 2 {
		t.Errorf("O4: %d events, expected two", n)
	}
}

// S1, S4: an e-mail at Firebase changes there first.
func TestAdminUsers_Change_S1_S4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator := newAdmin(t, s.Stack)
	id, account := atFirebaseRow(t, s.Stack)
	email := servicetest.Email()
	u := operator.changes(t, s, id, map[string]any{"username": "Jane", "user_type": "editor", "email": strings.ToUpper(email)})
	there, _ := s.Identity.User(account.UID)
	if *u.Username != "Jane" || u.UserType != "editor" || *u.Email != email || there.Email != email || there.EmailVerified {
		t.Errorf("S1: changed is %+v, at Firebase %+v", u, there)
	}
	operator.changes(t, s, id, map[string]any{"username": "Jane", "user_type": "editor", "email": email})
	events := operator.events(t, s, url.Values{"user_id": {id.String()}})
	if len(events) != 1 || strings.Contains(jsonOf(t, events), email) || strings.Contains(jsonOf(t, events), "Jane") ||
		jsonOf(t, events[0].Details) != `{"changed":["username","user_type","email"],"user_type":{"new":"editor","old":"user"}}` {
		t.Errorf("O4: on record are %s", jsonOf(t, events))
	}
	expectSignsIn(t, s, email, servicetest.Password)

	eventually(t, "seen", func() bool { return rowOf(t, s.Stack, "id = $1", id).LastLogin != nil })
	u = userIn(t, operator.ask(t, s, "GET", userPath(id), ""))
	holder := legacyRow(t, s.Stack, servicetest.Email())
	held := userIn(t, operator.ask(t, s, "GET", userPath(holder), ""))
	stranger := identity.User{UID: newUID(), Email: servicetest.Email(), Password: servicetest.Password}
	putUser(t, s.Stack, stranger)
	for what, c := range map[string]struct {
		body map[string]any
		code string
	}{
		"a username that somebody has":          {map[string]any{"username": *held.Username, "email": servicetest.Email()}, "username_taken"},
		"an e-mail of another row":              {map[string]any{"username": "Joan", "email": *held.Email}, "email_taken"},
		"an e-mail of another account":          {map[string]any{"username": "Joan", "email": stranger.Email}, "email_taken"},
		"an e-mail of another row, in capitals": {map[string]any{"email": strings.ToUpper(*held.Email)}, "email_taken"},
	} {
		operator.ask(t, s, "PATCH", userPath(id), jsonOf(t, c.body)).expect(t, what, 409, c.code)
	}
	for _, body := range []string{
		`{}`, `null`, `{"username":null}`, `{"username":" x"}`, `{"user_type":"Admin"}`, `{"user_type":""}`, `{"email":"nonsense"}`,
		`{"email":"x@users.noreply.invalid"}`, `{"is_active":false}`, `{"token_balance":1}`,
	} {
		operator.ask(t, s, "PATCH", userPath(id), body).expect(t, body, 400, "invalid_request")
	}
	operator.ask(t, s, "PATCH", nobodyPath, `{"username":"x"}`).expect(t, "nobody", 404, "not_found")
	fault(t, s, identity.Fault{Match: "accounts:update", Kind: identity.FaultUnavailable})
	operator.ask(t, s, "PATCH", userPath(id), `{"username":"Joan","email":"joan@example.com"}`).expect(t, "Firebase is away", 503, "dependency_unavailable")
	s.Identity.ClearFaults()
	after := userIn(t, operator.ask(t, s, "GET", userPath(id), ""))
	if there, _ := s.Identity.User(account.UID); jsonOf(t, after) != jsonOf(t, u) || there.Email != email {
		t.Errorf("S4: refusals left %+v, at Firebase %s", after, there.Email)
	}
	s.Identity.DeleteUser(account.UID)
	operator.ask(t, s, "PATCH", userPath(id), `{"email":"joan@example.com"}`).expect(t, "gone at Firebase", 404, "not_found")
	execute(t, s.Stack, "UPDATE auth.users SET federation_status = 'syncing' WHERE id = $1", id)
	operator.ask(t, s, "PATCH", userPath(id), `{"email":"joan@example.com"}`).expect(t, "being registered", 503, "dependency_unavailable")

	fault(t, s, identity.Fault{Kind: identity.FaultUnavailable}) // a local row needs no Firebase
	local := operator.changes(t, s, holder, map[string]any{"email": "Local@Example.com"})
	if *local.Email != "local@example.com" || countRows(t, s.Stack, `id = $1 AND provider_data @> '{"email_verified": false}'`, holder) != 1 {
		t.Errorf("F3: a local address that nobody has proved is %+v", local)
	}
}

func TestAdminUsers_PromotionCountsAtOnce_T5(t *testing.T) {
	t.Parallel()
	_, instances := twoInstances(t)
	a, b := instances[0], instances[1]
	operator, person := newAdmin(t, a.Stack), a.Person(t)
	promoted := admin{id: person.User.ID, token: person.IDToken}
	promoted.ask(t, b, "GET", "/v1/admin/users", "").expect(t, "before", 403, "forbidden")
	operator.changes(t, a, promoted.id, map[string]any{"user_type": "admin"})
	waitFor(t, time.Second, "promoted elsewhere", func() bool { return promoted.ask(t, b, "GET", "/v1/admin/users", "").status == 200 })
	operator.changes(t, a, promoted.id, map[string]any{"user_type": "user"})
	waitFor(t, time.Second, "demoted elsewhere", func() bool { return promoted.ask(t, b, "GET", "/v1/admin/users", "").status == 403 })
}

func TestAdminUsers_WhoMay_T8(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator, gone := newAdmin(t, s.Stack), newAdmin(t, s.Stack)
	operator.act(t, s, gone.id, "deactivate")
	email := servicetest.Email()
	localUser(t, s.Stack, email, servicetest.Password, map[string]any{"user_type": "admin"})
	user, legacy := s.Person(t).IDToken, legacyLogin(t, s, email, servicetest.Password).AccessToken
	for _, o := range secured {
		if !strings.HasPrefix(o.path, "/v1/admin/") {
			continue
		}
		for who, c := range map[string]struct{ token, code string }{
			"a user": {user, "forbidden"}, "an admin's legacy token": {legacy, "forbidden"}, "a deactivated admin": {gone.token, "account_deactivated"},
		} {
			ask(t, s, o.method, o.path, o.body, "Authorization", "Bearer "+c.token).expect(t, o.operation+" by "+who, http.StatusForbidden, c.code)
		}
	}
}

func TestAdminUsers_Refusals(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator := newAdmin(t, s.Stack)
	for _, act := range []string{"/deactivate", "/reactivate", "/revoke-tokens", "/sync"} {
		operator.ask(t, s, "POST", "/v1/admin/users/jane"+act, "").expect(t, act, 400, "invalid_request")
		operator.ask(t, s, "POST", nobodyPath+act, "").expect(t, act, 404, "not_found")
	}
	for _, body := range []string{`{"reason":""}`, `{"reason":1}`, `{"reason":"` + strings.Repeat("x", 201) + `"}`, `{"why":"x"}`, `[]`} {
		operator.ask(t, s, "POST", nobodyPath+"/deactivate", body).expect(t, body, 400, "invalid_request")
	}
	for _, act := range []string{"/reactivate", "/revoke-tokens", "/sync"} {
		operator.ask(t, s, "POST", nobodyPath+act, `{"reason":"x"}`).expect(t, act+" with a body", 400, "invalid_request")
	}
	operator.ask(t, s, "PATCH", "/v1/admin/users/jane", `{"username":"x"}`).expect(t, "no id", 400, "invalid_request")
	for _, body := range []string{`{}`, `{"firebase_uid":""}`, `{"firebase_uid":1}`} {
		operator.ask(t, s, "POST", "/v1/admin/users/sync", body).expect(t, body, 400, "invalid_request")
	}
	operator.ask(t, s, "POST", "/v1/admin/users/sync", syncBody).expect(t, "no account", 404, "not_found")
}
