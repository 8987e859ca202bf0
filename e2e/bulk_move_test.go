package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"auth-v2-service/internal/testkit/servicetest"
)

// M1, M4: all users move, keep everything, and sign in there with their old passwords.
func TestUsersMove_All_M1(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	c := newCrowd(t, s.Stack, 60)
	newAdmin(t, s.Stack).rollOut(t, s, 0)
	expectUsers(t, s.Stack, 0, "60 can move, of all users", "preflight")
	expectUsers(t, s.Stack, 0, "dry run", "move", "--dry-run")
	expectUsers(t, s.Stack, 2, "give --yes", "move")
	c.expectWhereabouts(t, "before", func(localOne) (bool, bool) { return false, true })
	said := expectUsers(t, s.Stack, 0, "60 moved, ", "move", "--yes", "--rate", "40", "--parallel", "2")
	if lines := strings.Count(said, "\n"); lines < 2 {
		t.Errorf("M4: %d lines for two batches or more:\n%s", lines, said)
	}
	c.expectWhereabouts(t, "moved", everybody)
	c.atOnce(func(_ int, p localOne) {
		if kind := p.signIn(t, s, "/v1/auth/login"); kind != "firebase" {
			t.Errorf("M1: %s signs in as %s", p.email, kind)
		}
	})
	run := newestRun(t, s.Stack)
	if run.State != "done" || run.Moved != 60 || run.Failed != 0 || run.CanaryAt == nil || run.CanaryFailure != "" {
		t.Errorf("the run is %+v", run)
	}
	for _, account := range s.Identity.Users() {
		if strings.HasSuffix(account.Email, ".invalid") {
			t.Errorf("M3: the canary %s stays", account.UID)
		}
	}
	for action, n := range map[string]int{"user.moved": 60, "move.started": 1, "move.ended": 1} {
		if found := count(t, s.Stack, "auth.audit_events WHERE action = $1", action); found != n {
			t.Errorf("O4: %d events %s, expected %d", found, action, n)
		}
	}
}

// R1: a percent is the rollout's cohort.
func TestUsersMove_PercentIsTheCohort_R1_M4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	c := newCrowd(t, s.Stack, 120)
	newAdmin(t, s.Stack).rollOut(t, s, 60)
	expectUsers(t, s.Stack, 0, "moved", "move", "--yes", "--percent", "30")
	c.expectWhereabouts(t, "30 %", cohortOf(30))
	expectUsers(t, s.Stack, 0, "moved", "move", "--yes", "--cohort")
	c.expectWhereabouts(t, "the cohort", cohortOf(60))
	deny := c.people[0]
	file := filepath.Join(t.TempDir(), "ids")
	writeText(t, file, "# a comment\n\n"+c.people[1].id.String()+"\n"+deny.id.String()+"\n")
	expectUsers(t, s.Stack, 0, "", "move", "--yes", "--ids", file)
	c.expectWhereabouts(t, "ids", func(p localOne) (bool, bool) {
		moved, _ := cohortOf(60)(p)
		return moved || p.id == deny.id || p.id == c.people[1].id, true
	})
}

func writeText(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Exit code 2: nothing was written.
func TestUsersMove_Refuses_M4(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	c := newCrowd(t, s.Stack, 3)
	folder := t.TempDir()
	junk, missing, empty := filepath.Join(folder, "junk"), filepath.Join(folder, "missing"), filepath.Join(folder, "empty")
	stranger := uuid.New()
	writeText(t, junk, c.people[0].id.String()+"\nnobody\n")
	writeText(t, missing, c.people[0].id.String()+"\n"+stranger.String()+"\n")
	writeText(t, empty, "# none\n")
	expectUsers(t, s.Stack, 2, "traffic", "move", "--yes")
	newAdmin(t, s.Stack).rollOut(t, s, 0)
	for _, refused := range []struct {
		says  string
		flags []string
	}{
		{"percent", []string{"--percent", "0"}},
		{"percent", []string{"--percent", "101"}},
		{"percent", []string{"--percent", "0.001"}},
		{"percent", []string{"--percent", "NaN"}},
		{"line 2 of " + junk, []string{"--ids", junk}},
		{stranger.String(), []string{"--ids", missing}},
		{"holds no id", []string{"--ids", empty}},
		{"no such file", []string{"--ids", filepath.Join(folder, "none")}},
		{"parallel", []string{"--parallel", "33"}},
		{"parallel", []string{"--parallel", "0"}},
		{"max-errors", []string{"--max-errors", "0"}},
		{"can't", []string{"--percent", "1", "--cohort"}},
	} {
		expectUsers(t, s.Stack, 2, refused.says, append([]string{"move", "--yes"}, refused.flags...)...)
	}
	for what, other := range map[string]map[string]string{
		"another-project":       {"FIREBASE_PROJECT_ID": "another-project"},
		"LEGACY_EMAIL_VERIFIED": {"LEGACY_EMAIL_VERIFIED": ""},
		"database":              {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"},
	} {
		code, said, warned := endOf(t, usersCommand(t, s.Stack, other, "move", "--yes"))
		if code != 2 || !strings.Contains(warned, what) {
			t.Errorf("%s: ended with %d:\n%s%s", what, code, said, warned)
		}
	}
	if n := count(t, s.Stack, "auth.bulk_runs"); n != 0 {
		t.Errorf("%d runs were written", n)
	}
}
