package e2e

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

func (a admin) sync(t testing.TB, s *servicetest.Service, id uuid.UUID) client.SyncEnvelope {
	t.Helper()
	return decoded[client.SyncEnvelope](t, a.ask(t, s, http.MethodPost, userPath(id)+"/sync", ""))
}

func (a admin) syncUID(t testing.TB, s *servicetest.Service, uid string) reply {
	t.Helper()
	return a.ask(t, s, http.MethodPost, "/v1/admin/users/sync", jsonOf(t, map[string]string{"firebase_uid": uid}))
}

func TestAdminSync_FollowsFirebase_S1(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator := newAdmin(t, s.Stack)
	id, account := atFirebaseRow(t, s.Stack, map[string]any{"username": "Ours", "user_type": "editor"})
	before := userIn(t, operator.ask(t, s, "GET", userPath(id), ""))
	email := servicetest.Email()
	s.Identity.SetEmail(account.UID, email, false)
	done := operator.sync(t, s, id)
	u := done.Data.User
	if done.Data.Outcome != "updated" || !slices.Equal(done.Data.Changed, []string{"email", "email_verified"}) || *u.Email != email ||
		*u.Username != "Ours" || u.UserType != "editor" || u.TokenBalance != before.TokenBalance || !u.IsActive || u.LastFirebaseSync == nil {
		t.Errorf("S1: synced is %s", jsonOf(t, done))
	}
	if again := operator.sync(t, s, id); again.Data.Outcome != "unchanged" || len(again.Data.Changed) != 0 {
		t.Errorf("S1: again is %s", jsonOf(t, again))
	}
	if n := count(t, s.Stack, "auth.audit_events WHERE user_id = $1 AND action = 'user.synced' AND actor = $2", id, "user:"+operator.id.String()); n != 1 {
		t.Errorf("O4: %d events, expected one", n)
	}
}

// S1: an e-mail of another row fails the sync.
func TestAdminSync_EmailHeld_S1(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator := newAdmin(t, s.Stack)
	id, account := atFirebaseRow(t, s.Stack)
	email := servicetest.Email()
	holder := legacyRow(t, s.Stack, email)
	s.Identity.SetEmail(account.UID, email, true)
	for range 2 {
		done := operator.sync(t, s, id)
		if u := done.Data.User; done.Data.Outcome != "failed" || *u.Email != account.Email || u.FederationStatus != "failed" || *u.Failure != "email_held" {
			t.Errorf("S1: held is %s", jsonOf(t, done))
		}
	}
	if r := rowOf(t, s.Stack, "id = $1", holder); r.Email != email || r.FirebaseUID != nil {
		t.Errorf("S1: the holder became %+v", r)
	}
	operator.changes(t, s, holder, map[string]any{"email": servicetest.Email()})
	if done := operator.sync(t, s, id); done.Data.Outcome != "updated" || *done.Data.User.Email != email || done.Data.User.Failure != nil {
		t.Errorf("S1: mended is %s", jsonOf(t, done))
	}
}

// S1: a flag that this service set does not survive a reactivation.
func TestAdminSync_DisabledTightens_S1(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator, person := newAdmin(t, s.Stack), s.Person(t)
	id := person.User.ID
	warm(t, s, person.IDToken)
	s.Identity.SetDisabled(person.UID, true)
	if done := operator.sync(t, s, id); done.Data.User.FederationStatus != "disabled" {
		t.Errorf("S1: disabled is %s", jsonOf(t, done))
	}
	expectRefusal(t, s, "S1: disabled at Firebase", person.IDToken, 403, "account_deactivated")
	s.Identity.SetDisabled(person.UID, false)
	if done := operator.sync(t, s, id); done.Data.User.FederationStatus != "disabled" {
		t.Errorf("S1: enabled there, it is %s", jsonOf(t, done))
	}
	operator.act(t, s, id, "reactivate")
	expectRefusal(t, s, "T4: a session of before", person.IDToken, 401, "token_revoked")
	operator.act(t, s, id, "deactivate")
	s.Identity.SetDisabled(person.UID, true) // as the pending job does
	operator.sync(t, s, id)
	operator.act(t, s, id, "reactivate")
	if done := operator.sync(t, s, id); done.Data.User.FederationStatus != "active" {
		t.Errorf("S1: reactivated before Firebase has followed, it is %s", jsonOf(t, done))
	}
	s.Identity.SetDisabled(person.UID, false)
	settled(t, s.Stack)
	operator.sync(t, s, id)
	s.Identity.SetDisabled(person.UID, true) // by an operator at Firebase
	if done := operator.sync(t, s, id); done.Data.User.FederationStatus != "disabled" {
		t.Errorf("S1: disabled once more, it is %s", jsonOf(t, done))
	}
}

// A7: a newer password at Firebase voids the local hash and ends older sessions.
func TestAdminSync_NewerPasswordThere_A7(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	operator, o := newAdmin(t, s.Stack), moved(t, s)
	if done := operator.sync(t, s, o.id); slices.Contains(done.Data.Changed, "password") || !fits(t, s.Stack, o.id, servicetest.Password) {
		t.Errorf("A7: a password that was moved became %s", jsonOf(t, done))
	}
	o.expectAlive(t, s)
	changeBehindOurBack(t, s.Stack, o.email, servicetest.Password, "AnotherPassword1")
	done := operator.sync(t, s, o.id)
	if r := rowOf(t, s.Stack, "id = $1", o.id); !slices.Contains(done.Data.Changed, "password") || *r.Hash != "!" {
		t.Errorf("A7: a newer password there left %v (%s)", r.Hash, jsonOf(t, done))
	}
	for _, token := range o.tokens {
		expectRefusal(t, s, "A7: a session of the old password", token, 401, "token_revoked")
	}
	expectSignsIn(t, s, o.email, "AnotherPassword1")
	if !fits(t, s.Stack, o.id, "AnotherPassword1") {
		t.Error("A7: the local hash did not follow the next sign-in")
	}
}

func TestAdminSync_GoneAwayOrLocal(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator := newAdmin(t, s.Stack)
	id, account := atFirebaseRow(t, s.Stack)
	fault(t, s, identity.Fault{Match: "accounts:lookup", Kind: identity.FaultTooManyRequests})
	operator.ask(t, s, "POST", userPath(id)+"/sync", "").expect(t, "Firebase is away", 503, "dependency_unavailable")
	operator.syncUID(t, s, account.UID).expect(t, "Firebase is away", 503, "dependency_unavailable")
	s.Identity.ClearFaults()
	s.Identity.DeleteUser(account.UID)
	if done := operator.sync(t, s, id); done.Data.Outcome != "failed" || *done.Data.User.Failure != "account_gone" || !done.Data.User.IsActive {
		t.Errorf("gone: %s", jsonOf(t, done))
	}
	if done := decoded[client.SyncEnvelope](t, operator.syncUID(t, s, account.UID)); done.Data.Outcome != "failed" || done.Data.User.ID != id {
		t.Errorf("gone, by its uid: %s", jsonOf(t, done))
	}
	local := localUser(t, s.Stack, servicetest.Email(), servicetest.Password)
	operator.ask(t, s, "POST", userPath(local)+"/sync", "").expect(t, "a local user", 422, "unsupported_identity")
}

func TestAdminSync_BringsAnAccountIn_F1_F3_F10(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	operator := newAdmin(t, s.Stack)
	fresh := identity.User{UID: newUID(), Email: servicetest.Email(), EmailVerified: true, Password: servicetest.Password, DisplayName: "Jane Doe"}
	putUser(t, s.Stack, fresh)
	done := decoded[client.SyncEnvelope](t, operator.syncUID(t, s, fresh.UID))
	if u := done.Data.User; done.Data.Outcome != "created" || *u.Email != fresh.Email || *u.Username != "Jane Doe" || u.LastLogin != nil {
		t.Errorf("F1: made is %s", jsonOf(t, done))
	}
	if again := decoded[client.SyncEnvelope](t, operator.syncUID(t, s, fresh.UID)); again.Data.Outcome != "unchanged" || again.Data.User.ID != done.Data.User.ID {
		t.Errorf("F1: again is %s", jsonOf(t, again))
	}
	verified := identity.User{UID: newUID(), Email: servicetest.Email(), EmailVerified: true, Password: servicetest.Password}
	unverified := identity.User{UID: newUID(), Email: servicetest.Email(), Password: servicetest.Password}
	row, held := legacyRow(t, s.Stack, verified.Email), legacyRow(t, s.Stack, unverified.Email)
	putUser(t, s.Stack, verified)
	putUser(t, s.Stack, unverified)
	if done := decoded[client.SyncEnvelope](t, operator.syncUID(t, s, verified.UID)); done.Data.Outcome != "linked" || done.Data.User.ID != row {
		t.Errorf("F3: linked is %s", jsonOf(t, done))
	}
	operator.syncUID(t, s, unverified.UID).expect(t, "F3: an address that nobody has proved", 409, "account_link_required")
	if r := rowOf(t, s.Stack, "id = $1", held); r.FirebaseUID != nil {
		t.Error("F3: an unproved address was linked")
	}
	anonymous, err := s.Identity.SignIn(t.Context(), identity.User{}, "anonymous")
	if err != nil {
		t.Fatal(err)
	}
	operator.syncUID(t, s, anonymous.UID).expect(t, "F5: anonymous", 422, "unsupported_identity")
	execute(t, s.Stack, "DELETE FROM auth.users WHERE firebase_uid = $1", fresh.UID)
	execute(t, s.Stack, "INSERT INTO auth.tombstones (user_id, firebase_uid, deleted_at) VALUES ($1, $2, $3)", done.Data.User.ID, fresh.UID, time.Now().Add(time.Second))
	operator.syncUID(t, s, fresh.UID).expect(t, "F10: deleted here", 404, "not_found")
}
