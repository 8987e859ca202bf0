package e2e

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/internal/testkit/programs"
	"auth-v2-service/internal/testkit/servicetest"
)

func usersCommand(t testing.TB, s *servicetest.Stack, other map[string]string, arguments ...string) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(t.Context(), programs.Authd(t), append([]string{"users"}, arguments...)...)
	command.Env = []string{}
	for _, settings := range []map[string]string{s.Environment(), trusting, other} {
		for name, value := range settings {
			command.Env = append(command.Env, name+"="+value)
		}
	}
	return command
}

func users(t *testing.T, s *servicetest.Stack, arguments ...string) (code int, said, warned string) {
	t.Helper()
	return endOf(t, usersCommand(t, s, nil, arguments...))
}

type bulkRun struct {
	ID                              uuid.UUID
	State, Reason                   string
	Moved, Skipped, Failed, Pending int64
	Codes                           map[string]int64
	CanaryFailure                   string  `json:"canary_failure"`
	CanaryAt                        *string `json:"canary_at"`
	Carried                         bool
}

func newestRun(t *testing.T, s *servicetest.Stack) bulkRun {
	t.Helper()
	code, said, warned := users(t, s, "runs", "--json")
	var all []bulkRun
	if err := json.Unmarshal([]byte(said), &all); code != 0 || err != nil || len(all) == 0 {
		t.Fatalf("authd users runs ended with %d, %v:\n%s%s", code, err, said, warned)
	}
	return all[0]
}

func expectUsers(t *testing.T, s *servicetest.Stack, code int, says string, arguments ...string) (said string) {
	t.Helper()
	got, said, warned := users(t, s, arguments...)
	if got != code || !strings.Contains(said+warned, says) {
		t.Errorf("authd users %s ended with %d, expected %d and %q:\n%s%s", strings.Join(arguments, " "), got, code, says, said, warned)
	}
	return said
}
