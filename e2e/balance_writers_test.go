package e2e

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/apikey"
	"auth-v2-service/internal/testkit/servicetest"
)

// otherWriter may write auth.users alone.
func otherWriter(t *testing.T, s *servicetest.Stack) (role string, conn *pgx.Conn) {
	t.Helper()
	role = "platform_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	location, err := url.Parse(s.DirectURL)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := location.User.Password()
	execute(t, s, fmt.Sprintf("CREATE ROLE %[1]s LOGIN PASSWORD '%[2]s'; GRANT %[1]s TO CURRENT_USER; GRANT USAGE ON SCHEMA auth TO %[1]s; GRANT SELECT, UPDATE ON auth.users TO %[1]s", role, password))
	location.User = url.UserPassword(role, password)
	if conn, err = pgx.Connect(t.Context(), location.String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		_ = conn.Close(ctx)
		if _, err := s.DB.Exec(ctx, "DROP OWNED BY "+role+"; DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	return role, conn
}

// W2, W3: another writer cannot book as an admin or under a service's key.
func TestBalance_OtherWritersBookInTheirOwnName_W3(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	secret, key := newKey(t, s.Stack, apikey.Balance)
	operator, id := newAdmin(t, s.Stack), holder(t, s.Stack, 100)
	role, writer := otherWriter(t, s.Stack)
	for _, caller := range []string{"user:" + operator.id.String(), "key:" + key.ID} {
		announced := fmt.Sprintf(`{"user_id": "%s", "amount": -5, "caller": "%s", "reason": "One chat message", "idempotency_key": "next"}`, id, caller)
		if _, err := writer.Exec(t.Context(), "SELECT set_config('auth.ledger_entry', $1, false)", announced); err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Exec(t.Context(), "UPDATE auth.users SET token_balance = token_balance - 5 WHERE id = $1", id); err != nil {
			t.Fatal(err)
		}
		entry := pageOf(t, ask(t, s, "GET", balancePath(id)+"/entries", "", "Authorization", "Bearer "+operator.token)).Entries[0]
		if entry.Kind != "external" || entry.Caller != "database:"+role || entry.Key != nil || entry.Amount != -5 {
			t.Errorf("W3: entered is %+v, expected an external change by %s", entry, role)
		}
	}
	charge(t, s, secret, id, "next", spend5).expectCharged(t, "W2: the key's own first change", 85, false)
	expectBalanced(t, s.Stack, "all this")
}
