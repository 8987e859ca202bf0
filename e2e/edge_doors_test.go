package e2e

import (
	"strings"
	"testing"

	"auth-v2-service/internal/testkit/netfault"
	"auth-v2-service/internal/testkit/servicetest"
)

// internal/httpapi tests the errors that only a bug causes.
func TestDoors_OneEnvelope(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	wire, throughWire := netfault.URL(t, stack.DatabaseURL)
	s := stack.Start(t, map[string]string{"DATABASE_URL": throughWire})
	session := s.Person(t)
	doors := []struct {
		door, method, path, body string
		header                   []string
		status                   int
		code                     string
	}{
		{"validator", "POST", "/v1/auth/login", `{"email":"jane@example.com"}`, nil, 400, "invalid_request"},
		{"credential", "GET", "/v1/auth/me", "", nil, 401, "token_missing"},
		{"body check", "POST", "/v1/auth/login", `{"email":`, nil, 400, "invalid_request"},
		{"handler", "POST", "/v1/auth/verify-token", `{"token":"a.b.c"}`, nil, 401, "token_invalid"},
		{"no route", "GET", "/v1/nothing", "", nil, 404, "not_found"},
		{"no method", "PUT", "/v1/auth/me", "", nil, 405, "method_not_allowed"},
		{"body limit", "POST", "/v1/auth/login", strings.Repeat("x", 70_000), nil, 413, "payload_too_large"},
		{"media type", "POST", "/v1/auth/login", "x", []string{"Content-Type", "text/plain"}, 415, "unsupported_media_type"},
	}
	for _, d := range doors {
		header := append([]string{"X-Request-Id", "door.of-a_Test"}, d.header...)
		expectEnvelope(t, d.door, ask(t, s, d.method, d.path, d.body, header...), d.status, d.code)
	}
	wire.Hang()
	fresh := s.Token(t, identityUser(servicetest.Email()), "google.com")
	for path, method := range map[string]string{"/v1/auth/me": "GET", "/v1/auth/forward": "GET", "/health/ready": "GET"} {
		answer := ask(t, s, method, path, "", "X-Request-Id", "door.of-a_Test", "Authorization", "Bearer "+fresh)
		expectEnvelope(t, "time-out at "+path, answer, 503, "dependency_unavailable")
	}
	wire.Restore()
	expectNoSecrets(t, s, session.IDToken, fresh, *session.Email)
}

func expectEnvelope(t *testing.T, door string, answer reply, status int, code string) {
	t.Helper()
	answer.expect(t, "the door "+door, status, code)
	if media := answer.header.Get("Content-Type"); media != "application/json" {
		t.Errorf("the door %s answered %q, expected application/json", door, media)
	}
	if !strings.Contains(string(answer.body), `"request_id":"door.of-a_Test"`) {
		t.Errorf("the door %s does not name the request: %s", door, answer.body)
	}
	for _, cause := range []string{"jane", "SQLSTATE", "dial tcp", "context", "Time.MarshalJSON", "json:", "goroutine", ".go:"} {
		if strings.Contains(string(answer.body), cause) {
			t.Errorf("the door %s tells a cause or a value (%q): %s", door, cause, answer.body)
		}
	}
}
