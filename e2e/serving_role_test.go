package e2e

import (
	"net/http"
	"strings"
	"testing"

	"auth-v2-service/internal/testkit/servicetest"
)

// servesAs are the roles of an instance's sessions, and whether they may rewrite what was recorded, or change the schema.
func servesAs(t *testing.T, stack *servicetest.Stack) (roles string, may bool) {
	t.Helper()
	err := stack.DB.QueryRow(t.Context(), `
		SELECT string_agg(DISTINCT usename::text, ' '),
			coalesce(bool_or(has_table_privilege(usename, 'auth.audit_events', 'UPDATE, DELETE, TRUNCATE')
				OR has_schema_privilege(usename, 'auth', 'CREATE')), true)
		FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'authd'`).Scan(&roles, &may)
	if err != nil {
		t.Fatal(err)
	}
	return roles, may
}

// Least privilege: an instance serves as a role that may change no schema and only add to the audit. So does every other instance
// of these tests, which is what shows that its rights suffice.
func TestServing_AsARoleThatMayNoMore(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	tour(t, s, "as the role that serves")
	if roles, may := servesAs(t, s.Stack); may || strings.Contains(roles, " ") || strings.Contains(s.DirectURL, "//"+roles+":") {
		t.Errorf("it serves as %q, which may change what it should not: %t", roles, may)
	}
	health := ask(t, s, http.MethodGet, "/health/schema", "")
	health.expect(t, "its own check of the schema", http.StatusOK, "")
	if !strings.Contains(string(health.body), `"state":"in_step"`) {
		t.Errorf("D2: it sees the schema as %s", health.body)
	}
}

// D1: with the owner's address beside its own, an instance migrates as the owner and serves as the other role.
func TestServing_MigratesAsTheOwner_D1(t *testing.T) {
	t.Parallel()
	stack := onEmpty(t, servicetest.NewStack(t))
	s := stack.Start(t, migrating)
	tour(t, s, "after migrating as the owner")
	expectInStep(t, stack)
	if roles, may := servesAs(t, stack); may {
		t.Errorf("it serves as %q, which may change what it should not", roles)
	}
}
