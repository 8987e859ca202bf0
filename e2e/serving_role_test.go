package e2e

import (
	"net/http"
	"strings"
	"testing"

	"auth-v2-service/internal/testkit/servicetest"
)

// servesAs returns the roles that write, and whether they may change the audit or the schema.
func servesAs(t *testing.T, s *servicetest.Service) (roles string, may bool) {
	t.Helper()
	execute(t, s.Stack, `CREATE TABLE public.writers (role text);
		CREATE FUNCTION public.note_writer() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
			$$BEGIN INSERT INTO public.writers VALUES (session_user); RETURN NULL; END$$;
		CREATE TRIGGER note_writer AFTER INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION public.note_writer()`)
	s.Person(t)
	err := s.DB.QueryRow(t.Context(), `
		SELECT string_agg(DISTINCT role, ' '),
			bool_or(has_table_privilege(role, 'auth.audit_events', 'UPDATE, DELETE, TRUNCATE') OR has_schema_privilege(role, 'auth', 'CREATE'))
		FROM public.writers`).Scan(&roles, &may)
	if err != nil {
		t.Fatal(err)
	}
	return roles, may
}

// All other instances of these tests use the same role, so its rights suffice.
func TestServing_AsARoleThatMayNoMore(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	tour(t, s, "as the role that serves")
	health := ask(t, s, http.MethodGet, "/health/schema", "")
	health.expect(t, "its own check of the schema", http.StatusOK, "")
	if !strings.Contains(string(health.body), `"state":"in_step"`) {
		t.Errorf("D2: it sees the schema as %s", health.body)
	}
	if roles, may := servesAs(t, s); may || strings.Contains(roles, " ") || strings.Contains(s.DirectURL, "//"+roles+":") {
		t.Errorf("it serves as %q, which may change what it should not: %t", roles, may)
	}
}

// DATABASE_OWNER_URL migrates; the other role serves.
func TestServing_MigratesAsTheOwner_D1(t *testing.T) {
	t.Parallel()
	stack := onEmpty(t, servicetest.NewStack(t))
	s := stack.Start(t, migrating)
	tour(t, s, "after migrating as the owner")
	expectInStep(t, stack)
	if roles, may := servesAs(t, s); may {
		t.Errorf("it serves as %q, which may change what it should not", roles)
	}
}
