package schema_test

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/devstack/postgres"
)

func (d database) writer(may string) (role, address string) {
	d.t.Helper()
	role = "writer_" + strings.ReplaceAll(d.lines("SELECT gen_random_uuid()::text"), "-", "")
	location, err := url.Parse(d.url)
	if err != nil {
		d.t.Fatal(err)
	}
	password, _ := location.User.Password()
	d.exec(fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", role, password))
	d.exec("GRANT " + role + " TO CURRENT_USER")
	d.exec("GRANT USAGE ON SCHEMA auth TO " + role)
	d.exec("GRANT " + may + " ON auth.users TO " + role)
	d.t.Cleanup(func() {
		_, _ = d.Exec(context.WithoutCancel(d.t.Context()), "DROP OWNED BY "+role+"; DROP ROLE "+role)
	})
	location.User = url.UserPassword(role, password)
	return role, location.String()
}

func say(t *testing.T, address string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	for _, statement := range statements {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

func TestLedger_BelievesTheServingRoleAlone_W3(t *testing.T) {
	t.Parallel()
	d := migrated(t)
	role, login := d.writer("SELECT, INSERT, UPDATE, DELETE")
	d.exec(`CREATE FUNCTION public.pay(person uuid, amount int) RETURNS void LANGUAGE sql SECURITY DEFINER
		AS 'UPDATE auth.users SET token_balance = coalesce(token_balance, 0) + amount WHERE id = person'`)
	d.exec("CREATE SCHEMA own AUTHORIZATION " + role)
	serving := d.serving()
	d.exec("GRANT " + role + " TO " + serving.lines("SELECT quote_ident(current_user)"))
	const update = "UPDATE auth.users SET token_balance = coalesce(token_balance, 0) + 5 WHERE id = '%s'"
	for name, test := range map[string]struct {
		address    string
		statements []string // %s: the user's id
		amount     int
		want       string
	}{
		"a setting of the session": {login, []string{"SET auth.ledger_entry = '%a'", update}, 5, "external"},
		"a setting of the transaction": {login, []string{
			"BEGIN", "SELECT set_config('auth.ledger_entry', '%a', true)", update, "COMMIT",
		}, 5, "external"},
		"with the update in one statement": {login, []string{
			"WITH said AS MATERIALIZED (SELECT set_config('auth.ledger_entry', '%a', true)) UPDATE auth.users SET token_balance = token_balance + 5 FROM said WHERE id = '%s'",
		}, 5, "external"},
		"by a function of the owner": {login, []string{"SET auth.ledger_entry = '%a'", "SELECT public.pay('%s', 5)"}, 5, "external"},
		"with a deletion":            {login, []string{"SET auth.ledger_entry = '%a'", "DELETE FROM auth.users WHERE id = '%s'"}, -3, "closing"},
		"with an insertion": {login, []string{
			"SET auth.ledger_entry = '%a'", "DELETE FROM auth.users WHERE id = '%s'",
			"INSERT INTO auth.users (id, email, password_hash, token_balance) VALUES ('%s', gen_random_uuid()::text, 'x', 5)",
		}, 5, "closing external"},
		"with functions of its own in front": {login, []string{
			"CREATE FUNCTION own.pg_has_role(oid, oid, text) RETURNS boolean LANGUAGE sql RETURN true",
			"SET search_path = own, pg_catalog", "SET auth.ledger_entry = '%a'", update,
		}, 5, "external"},
		"in the role that a login of the owner has taken": {d.url, []string{
			"SET ROLE " + role, "SET auth.ledger_entry = '%a'", update,
		}, 5, "external"},
		"in the role that the service's login has taken": {serving.url, []string{
			"SET ROLE " + role, "SET auth.ledger_entry = '%a'", update,
		}, 5, "external"},
		"what is no announcement":    {login, []string{"SET auth.ledger_entry = 'x'", update}, 5, "external"},
		"the service's login":        {serving.url, []string{"SET auth.ledger_entry = '%a'", update}, 5, "change"},
		"the service's role by name": {serving.url, []string{"SET ROLE auth_serving", "SET auth.ledger_entry = '%a'", update}, 5, "change"},
		"the owner":                  {d.url, []string{"SET auth.ledger_entry = '%a'", update}, 5, "change"},
	} {
		t.Run(name, func(t *testing.T) {
			id := d.lines("INSERT INTO auth.users (email, password_hash, token_balance) VALUES (gen_random_uuid()::text, 'x', 3) RETURNING id::text")
			announced := fmt.Sprintf(`{"user_id": "%s", "amount": %d, "caller": "user:%s", "reason": "r", "idempotency_key": "k"}`, id, test.amount, id)
			filled := make([]string, len(test.statements))
			for i, statement := range test.statements {
				filled[i] = strings.NewReplacer("%s", id, "%a", announced).Replace(statement)
			}
			say(t, test.address, filled...)
			got := d.lines("SELECT string_agg(kind, ' ' ORDER BY id) FROM auth.ledger_entries WHERE user_id = $1::text::uuid AND id > (SELECT min(id) FROM auth.ledger_entries WHERE user_id = $1::text::uuid)", id)
			if got != test.want {
				t.Errorf("W3: entered as %q, expected %q", got, test.want)
			}
			if who := d.lines("SELECT DISTINCT caller FROM auth.ledger_entries WHERE user_id = $1::text::uuid AND caller LIKE 'database:writer%'", id); test.address == login && who != "database:"+role {
				t.Errorf("W3: entered as done by %q, expected the login %s", who, role)
			}
		})
	}
	d.expectBalanced("all this")
}

func TestLedger_WithoutTheServingRole_W3(t *testing.T) {
	t.Parallel()
	server, err := postgres.Start(t.Context(), postgres.Options{DataDir: filepath.Join(t.TempDir(), "data")}) // roles belong to a server
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	d := ownServer(t, server, "restored")
	d.migrate()
	_, login := d.writer("SELECT, UPDATE")
	d.exec(`REVOKE ALL ON ALL TABLES IN SCHEMA auth FROM auth_serving; REVOKE ALL ON ALL FUNCTIONS IN SCHEMA auth FROM auth_serving;
		REVOKE ALL ON ALL SEQUENCES IN SCHEMA auth FROM auth_serving; REVOKE ALL ON SCHEMA auth FROM auth_serving; DROP ROLE auth_serving`)
	id := d.lines("INSERT INTO auth.users (email, password_hash) VALUES ('a@example.com', 'x') RETURNING id::text")
	announce := fmt.Sprintf(`SET auth.ledger_entry = '{"user_id": "%s", "amount": 5, "caller": "key:x", "reason": "r", "idempotency_key": "k"}'`, id)
	for _, address := range []string{login, d.url} {
		say(t, address, announce, "UPDATE auth.users SET token_balance = coalesce(token_balance, 0) + 5")
	}
	if got, want := d.entries("a@example.com"), "5 5 external\n5 10 change"; got != want {
		t.Errorf("W3: entered are\n%s\nexpected\n%s", got, want)
	}
}
