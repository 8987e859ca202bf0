package e2e

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

func TestExport_HoldsWhatIsKept(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	operator, o := newAdmin(t, s.Stack), moved(t, s)
	operator.act(t, s, o.id, "revoke-tokens")
	execute(t, s.Stack, "INSERT INTO auth.set_aside_passwords (user_id, password_hash, reason) VALUES ($1, $2, 'linked')", o.id, bcryptHash)
	execute(t, s.Stack, "INSERT INTO auth.move_claims (user_id, claimed_by, claimed_at, failed_at, failure) VALUES ($1, 'x', now(), now(), 'email_taken')", o.id)
	operator.sync(t, s, o.id)
	pair := legacyLogin(t, s, o.email, servicetest.Password)
	answer := ask(t, s, "GET", "/v1/auth/me/export", "", authorized(pair.AccessToken)...)
	export := decoded[client.ExportEnvelope](t, answer).Data
	if export.User.ID != o.id || *export.User.Email != o.email || !export.KeepsLocalPassword || export.SetAsidePassword == nil ||
		export.SetAsidePassword.Reason != "linked" || export.Move == nil || *export.Move.Failure != "email_taken" || export.ProviderData == nil {
		t.Errorf("exported is %s", answer.body)
	}
	if len(export.Sessions) != 2 {
		t.Errorf("%d sessions, expected the one that was revoked and the one that asks", len(export.Sessions))
	}
	actors := map[string]string{}
	for _, e := range export.Events {
		actors[e.Action] = e.Actor
	}
	if actors["user.moved"] != "you" || actors["user.tokens_revoked"] != "operator" {
		t.Errorf("the events are %+v", export.Events)
	}
	if got := answer.header.Get("Content-Disposition"); got != `attachment; filename="account-`+o.id.String()+`.json"` {
		t.Errorf("Content-Disposition is %s", got)
	}
	for what, secret := range map[string]string{
		"a hash": "$2", "the operator": operator.id.String(), "a refresh token": pair.RefreshToken, "a seed": "seed",
	} {
		if strings.Contains(string(answer.body), secret) {
			t.Errorf("T6: %s is in the export: %s", what, answer.body)
		}
	}
}

func TestDelete_LeavesNothingOfThePerson_F10(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	operator := newAdmin(t, s.Stack)
	const name, agent, phone = "Jeanne d'Arc-Unmistakable", "a-browser-like-no-other/1.0", "+33555010101"
	account := identity.User{
		UID: newUID(), Email: "jeanne.unmistakable@example.com", EmailVerified: true, Password: servicetest.Password, DisplayName: name,
		Phone: phone, PhotoURL: "https://example.com/unmistakable.png",
	}
	id := localUser(t, s.Stack, account.Email, servicetest.Password, map[string]any{"username": "jeanne-unmistakable"})
	ask(t, s, "POST", "/auth/login", registerBody(t, account.Email, servicetest.Password), "User-Agent", agent).expect(t, "an old session", 200, "")
	expectUser(t, s, "linked", s.Token(t, account, "password"))
	operator.sync(t, s, id)
	operator.changes(t, s, id, map[string]any{"username": "jeanne-unmistakable-2"})
	s.Identity.SetEmail(account.UID, "jeanne.unmistakable.2@example.com", true)
	operator.sync(t, s, id)
	operator.act(t, s, id, "deactivate")
	operator.act(t, s, id, "reactivate")
	execute(t, s.Stack, "INSERT INTO auth.set_aside_passwords (user_id, password_hash, reason) VALUES ($1, $2, 'linked') ON CONFLICT DO NOTHING", id, bcryptHash)
	execute(t, s.Stack, "INSERT INTO auth.move_claims (user_id, claimed_by, claimed_at) VALUES ($1, 'x', now()) ON CONFLICT DO NOTHING", id)
	telling := []string{"unmistakable", agent, phone}
	for _, text := range append(telling, account.UID) {
		if found := tablesThatSay(t, s.Stack, text); len(found) == 0 {
			t.Fatalf("no table says %q before the deletion: this test finds nothing", text)
		}
	}
	settled(t, s.Stack)
	session := newLogin(t, s, "jeanne.unmistakable.2@example.com", servicetest.Password)
	ask(t, s, "DELETE", "/v1/auth/me", "", authorized(session.IDToken)...).expect(t, "deleteMe", 200, "")
	for _, text := range telling {
		if found := tablesThatSay(t, s.Stack, text); len(found) != 0 {
			t.Errorf("F10: %q is still in %v", text, found)
		}
	}
	for _, of := range []string{account.UID, id.String()} {
		for _, table := range tablesThatSay(t, s.Stack, of) {
			job := table == "river_job" && of == id.String()         // removed within a day
			ledger := table == "ledger_entries" && of == id.String() // the history stays
			if table != "tombstones" && table != "audit_events" && !job && !ledger {
				t.Errorf("F10: %s knows %s", table, of)
			}
		}
	}
	if n := count(t, s.Stack, "auth.audit_events WHERE user_id = $1 AND action IN ('user.linked', 'user.deactivated', 'user.deleted')", id); n != 3 {
		t.Errorf("F10: %d of three events are left", n)
	}
	expectNoSecrets(t, s, account.Email, name)
}

func tablesThatSay(t testing.TB, s *servicetest.Stack, text string) (found []string) {
	t.Helper()
	rows, err := s.DB.Query(context.Background(), "SELECT relname FROM pg_class WHERE relnamespace = 'auth'::regnamespace AND relkind IN ('r', 'p')")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 8 {
		t.Fatalf("the tables are %v (%v)", tables, err)
	}
	for _, table := range tables {
		if count(t, s, pgx.Identifier{"auth", table}.Sanitize()+" AS whole WHERE strpos(lower(to_jsonb(whole)::text), lower($1)) > 0", text) > 0 {
			found = append(found, table)
		}
	}
	return found
}

func TestExport_GoneIsRevoked_F10(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	person := s.Person(t)
	warm(t, s, person.IDToken)
	execute(t, s.Stack, "DELETE FROM auth.users WHERE id = $1", person.User.ID)
	got := ask(t, s, "GET", "/v1/auth/me/export", "", authorized(person.IDToken)...)
	if got.status != http.StatusUnauthorized && got.status != http.StatusOK { // first sight may make the row again
		t.Errorf("answered %d %s", got.status, got.body)
	}
}

func TestExport_TellsWhenASessionEnded(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	email := servicetest.Email()
	id := localUser(t, s.Stack, email, servicetest.Password)
	ended, asking := legacyLogin(t, s, email, servicetest.Password), legacyLogin(t, s, email, servicetest.Password)
	endedID, askingID := payloadOf(t, ended.AccessToken)["sid"].(string), payloadOf(t, asking.AccessToken)["sid"].(string)
	ask(t, s, "DELETE", "/v1/auth/me/sessions/"+endedID, "", authorized(asking.AccessToken)...).expect(t, "ending a session", 200, "")
	export := decoded[client.ExportEnvelope](t, ask(t, s, "GET", "/v1/auth/me/export", "", authorized(asking.AccessToken)...)).Data
	if export.User.ID != id || len(export.Sessions) != 2 {
		t.Fatalf("%d sessions of user %s are exported, expected 2 of %s", len(export.Sessions), export.User.ID, id)
	}
	for _, session := range export.Sessions {
		switch {
		case session.ID.String() == askingID && session.EndedAt == nil:
		case session.ID.String() == endedID && session.EndedAt != nil && !session.EndedAt.Before(session.BeganAt) && !session.EndedAt.After(export.ExportedAt):
		default:
			t.Errorf("a session is exported as %+v", session)
		}
	}
}
