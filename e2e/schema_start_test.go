package e2e

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/testkit/programs"
	"auth-v2-service/internal/testkit/servicetest"
)

// refused expects exit code 1 within 20 s.
func refused(t *testing.T, binary string, stack *servicetest.Stack, changes map[string]string) (log string) {
	t.Helper()
	i := launch(t, binary, stack, changes)
	select {
	case <-i.Done():
	case <-time.After(20 * time.Second):
		t.Fatalf("it did not refuse within 20 s\n%s", i.log)
	}
	var exit *exec.ExitError
	if !errors.As(i.Err(), &exit) || exit.ExitCode() != 1 {
		t.Errorf("it ended with %v, expected exit code 1", i.Err())
	}
	if len(i.logged("serving", "server.address")) > 0 {
		t.Error("D2: it served before it refused")
	}
	return i.log.String()
}

// Missing or different objects stop the start unless SCHEMA_CHECK relaxes it. Extra objects only warn.
func TestStart_OnADriftedSchema_D2(t *testing.T) {
	t.Parallel()
	binary := programs.Authd(t)
	for name, c := range map[string]struct {
		drift, check string
		refuses      bool
		warns, names string
	}{
		"enforce, something different": {
			drift: "ALTER TABLE auth.users ALTER COLUMN token_balance SET DEFAULT 100", check: "enforce", refuses: true,
			names: "different default auth.users.token_balance: is 100, must be 0",
		},
		"enforce, something missing": {
			drift: "DROP INDEX auth.idx_users_canonical_email", check: "enforce", refuses: true, names: "missing index auth.idx_users_canonical_email",
		},
		"enforce, something more": {
			drift: "ALTER TABLE auth.users ADD COLUMN column_of_a_test text", check: "enforce", warns: "extras", names: "auth.users.column_of_a_test",
		},
		"warn, something different": {
			drift: "ALTER TABLE auth.users ALTER COLUMN token_balance SET DEFAULT 100", check: "warn", warns: "drifted",
			names: "auth.users.token_balance",
		},
		"off, something missing": {drift: "DROP INDEX auth.idx_users_canonical_email", check: "off"},
		"enforce, nothing":       {drift: "SELECT 1", check: "enforce"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := servicetest.NewStack(t)
			execute(t, stack, c.drift)
			settings := map[string]string{"SCHEMA_CHECK": c.check, "MIGRATE_ON_START": "on"}
			if c.refuses {
				log := refused(t, binary, stack, settings)
				for _, word := range []string{c.names, "authd schema validate", "SCHEMA_CHECK=warn"} {
					if !strings.Contains(log, word) {
						t.Errorf("D2: the refusal does not say %q:\n%s", word, log)
					}
				}
				return
			}
			i := launch(t, binary, stack, settings)
			i.awaitReady(t)
			differences := strings.Join(i.logged("the schema differs", "schema.name"), "\n")
			if c.warns == "" && (differences != "" || strings.Contains(i.log.String(), "schema.state")) {
				t.Errorf("D2: it is not silent: %s", i.log)
			}
			if !strings.Contains(differences, c.names) || !strings.Contains(i.log.String(), `"schema.state":"`+c.warns) && c.warns != "" {
				t.Errorf("D2: it does not warn of %q as %s:\n%s", c.names, c.warns, i.log)
			}
		})
	}
}

// D2: the refusal names the command to run.
func TestStart_PendingMigrationsWithoutMigrating_D1(t *testing.T) {
	t.Parallel()
	binary, shared := programs.Authd(t), servicetest.NewStack(t)
	for name, version := range map[string]string{"empty": "", "half-way": "008"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stack := onEmpty(t, shared)
			if version != "" {
				migrateTo(t, stack, version)
			}
			began := time.Now()
			log := refused(t, binary, stack, map[string]string{"MIGRATE_ON_START": "check"})
			if !strings.Contains(log, "authd schema migrate") {
				t.Errorf("D1: the refusal names no command:\n%s", log)
			}
			t.Logf("refused after %s", time.Since(began).Round(time.Millisecond))
		})
	}
}
