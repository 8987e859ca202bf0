package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/testkit/servicetest"
)

// Definitions stay private.
func TestHealthSchema_NamesWhatDiffers_D2(t *testing.T) {
	t.Parallel()
	stack := servicetest.NewStack(t)
	s := stack.Start(t)
	first := ask(t, s, http.MethodGet, "/health/schema", "")
	if first.status != http.StatusOK || !strings.Contains(string(first.body), `"state":"in_step"`) || !strings.Contains(string(first.body), `"differences":[]`) {
		t.Fatalf("D2: a migrated schema is %d %s", first.status, first.body)
	}
	execute(t, stack, "ALTER TABLE auth.users ALTER COLUMN user_type SET DEFAULT 'secretly-another'")
	execute(t, stack, "DROP INDEX auth.idx_users_auth_provider")
	execute(t, stack, "CREATE TABLE auth.somebody_elses (id int)")
	execute(t, stack, "GRANT SELECT ON auth.users TO pg_monitor")
	waitFor(t, 7*time.Second, "D2: drift is seen", func() bool {
		return strings.Contains(string(ask(t, s, http.MethodGet, "/health/schema", "").body), `"state":"drifted"`)
	})
	found := string(ask(t, s, http.MethodGet, "/health/schema", "").body)
	for _, name := range []string{
		`{"change":"different","kind":"default","name":"auth.users.user_type"}`,
		`{"change":"missing","kind":"index","name":"auth.idx_users_auth_provider"}`,
		`{"change":"extra","kind":"table","name":"auth.somebody_elses"}`,
	} {
		if !strings.Contains(found, name) {
			t.Errorf("D2: %s is not named in %s", name, found)
		}
	}
	if strings.Contains(found, "pg_monitor") {
		t.Error("a role of the database is named to strangers")
	}
	if strings.Contains(found, "secretly-another") {
		t.Error("a definition is shown to strangers")
	}
}

// The database sees one check in five seconds.
func TestHealthSchema_OneLookServesAll(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	queries := s.Queries.During(func() {
		for range 50 {
			if r := ask(t, s, http.MethodGet, "/health/schema", ""); r.status != http.StatusOK {
				t.Fatalf("answered %d %s", r.status, r.body)
			}
		}
	})
	if len(queries) > 12 {
		t.Errorf("50 questions made %d statements: %v", len(queries), queries)
	}
}
