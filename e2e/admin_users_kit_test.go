package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/gen/client"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/testkit/servicetest"
)

func (a admin) ask(t testing.TB, s *servicetest.Service, method, path, body string) reply {
	t.Helper()
	return ask(t, s, method, path, body, "Authorization", "Bearer "+a.token)
}

func userPath(id uuid.UUID) string { return "/v1/admin/users/" + id.String() }

func (a admin) act(t testing.TB, s *servicetest.Service, id uuid.UUID, act string) client.AdminUser {
	t.Helper()
	return userIn(t, a.ask(t, s, http.MethodPost, userPath(id)+"/"+act, ""))
}

func (a admin) changes(t testing.TB, s *servicetest.Service, id uuid.UUID, body map[string]any) client.AdminUser {
	t.Helper()
	return userIn(t, a.ask(t, s, http.MethodPatch, userPath(id), jsonOf(t, body)))
}

func userIn(t testing.TB, answer reply) client.AdminUser {
	t.Helper()
	return decoded[client.UserRecordEnvelope](t, answer).Data.User
}

func decoded[T any](t testing.TB, answer reply) (out T) {
	t.Helper()
	if answer.status != http.StatusOK {
		t.Fatalf("answered %d, expected 200\n%s", answer.status, answer.body)
	}
	if err := json.Unmarshal(answer.body, &out); err != nil {
		t.Fatalf("%s: %v", answer.body, err)
	}
	return out
}

func (a admin) finds(t testing.TB, s *servicetest.Service, query url.Values) (ids []uuid.UUID, pages int) {
	t.Helper()
	for {
		page := decoded[client.UserPageEnvelope](t, a.ask(t, s, http.MethodGet, "/v1/admin/users?"+query.Encode(), "")).Data
		for _, u := range page.Users {
			ids = append(ids, u.ID)
		}
		pages++
		if page.NextCursor == nil {
			return ids, pages
		}
		query.Set("cursor", *page.NextCursor)
	}
}

func (a admin) events(t testing.TB, s *servicetest.Service, query url.Values) []client.AuditEvent {
	t.Helper()
	var events []client.AuditEvent
	for {
		page := decoded[client.AuditPageEnvelope](t, a.ask(t, s, http.MethodGet, "/v1/admin/audit-events?"+query.Encode(), "")).Data
		events = append(events, page.Events...)
		if page.NextCursor == nil {
			return events
		}
		query.Set("cursor", *page.NextCursor)
	}
}

func atFirebaseRow(t testing.TB, s *servicetest.Stack, changes ...map[string]any) (uuid.UUID, identity.User) {
	t.Helper()
	account := identity.User{UID: newUID(), Email: servicetest.Email(), EmailVerified: true, Password: servicetest.Password}
	putUser(t, s, account)
	columns := append([]map[string]any{{"firebase_uid": account.UID, "auth_provider": "firebase", "password_hash": nil}}, changes...)
	return legacyRow(t, s, account.Email, columns...), account
}

// settled waits until Firebase has followed every change (S3).
func settled(t testing.TB, s *servicetest.Stack) {
	t.Helper()
	eventually(t, "Firebase has followed", func() bool {
		return count(t, s, "auth.river_job WHERE state NOT IN ('completed', 'cancelled', 'discarded')") == 0
	})
}
