package e2e

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"auth-v2-service/internal/testkit/programs"
	"auth-v2-service/internal/testkit/servicetest"
)

func reconcile(t *testing.T, s *servicetest.Stack, other map[string]string, flags ...string) (code int, report map[string]any, warned string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), programs.Authd(t), append([]string{"users", "reconcile", "--json"}, flags...)...)
	command.Env = []string{}
	for _, settings := range []map[string]string{s.Environment(), other} {
		for name, value := range settings {
			command.Env = append(command.Env, name+"="+value)
		}
	}
	code, said, warned := endOf(t, command)
	if said != "" {
		if err := json.Unmarshal([]byte(said), &report); err != nil {
			t.Fatalf("%v:\n%s", err, said)
		}
	}
	return code, report, warned
}

func TestUsersReconcileCommand_CountsThenRepairs(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	id, account := atFirebaseRow(t, s.Stack)
	email := servicetest.Email()
	s.Identity.SetEmail(account.UID, email, true)
	for _, run := range []struct {
		flags   []string
		updated float64
		email   string
	}{
		{[]string{"--dry-run"}, 1, account.Email}, {nil, 1, email}, {nil, 0, email},
	} {
		code, report, warned := reconcile(t, s.Stack, nil, run.flags...)
		if code != 0 || report["listed"] != 1.0 || report["updated"] != run.updated || report["dry_run"] != (run.flags != nil) {
			t.Errorf("reconcile %v ended with %d and reports %v, expected %v updated\n%s", run.flags, code, report, run.updated, warned)
		}
		if r := rowOf(t, s.Stack, "id = $1", id); r.Email != run.email {
			t.Errorf("after reconcile %v the row has %s, expected %s", run.flags, r.Email, run.email)
		}
	}
	if n := count(t, s.Stack, "auth.audit_events WHERE user_id = $1 AND actor = $2 AND action = 'user.synced'", id, thisUser(t)); n != 1 {
		t.Errorf("O4: %d events of one repair in the operator's name", n)
	}
}

// Exit code 1 means refused, 2 unable.
func TestUsersReconcileCommand_Refuses(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	if code, _, warned := reconcile(t, s.Stack, nil); code != 0 {
		t.Fatalf("the first run ended with %d:\n%s", code, warned)
	}
	for what, c := range map[string]struct {
		env  map[string]string
		code int
		says string
	}{
		"another project": {map[string]string{"FIREBASE_PROJECT_ID": "another-project"}, 1, "another-project"},
		"no provider":     {map[string]string{"FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:1"}, 2, "Firebase"},
		"no database":     {map[string]string{"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}, 2, "database"},
		"a wrong setting": {map[string]string{"DB_POOL_MAX": "many"}, 2, "DB_POOL_MAX"},
	} {
		code, report, warned := reconcile(t, s.Stack, c.env)
		if code != c.code || !strings.Contains(warned, c.says) {
			t.Errorf("%s: ended with %d and reports %v, expected %d and %q:\n%s", what, code, report, c.code, c.says, warned)
		}
	}
}
