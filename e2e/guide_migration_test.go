package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/testkit/programs"
	"auth-v2-service/internal/testkit/servicetest"
)

const migrationGuide = "../docs/guides/auth-v2-migration-guide.md"

// between has events before the first block with the words of their key.
func runGuide(t *testing.T, s *servicetest.Service, between map[string]func()) string {
	t.Helper()
	text, err := os.ReadFile(migrationGuide)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	path := filepath.Dir(programs.Authd(t)) + string(os.PathListSeparator) + os.Getenv("PATH")
	env := append(os.Environ(), "PATH="+path, "METRICS_URL="+s.MetricsURL)
	for _, settings := range []map[string]string{s.Environment(), trusting} {
		for name, value := range settings {
			env = append(env, name+"="+value)
		}
	}
	var said strings.Builder
	for _, block := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		for words, do := range between {
			if strings.Contains(block[1], words) {
				do()
				delete(between, words)
			}
		}
		command := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", block[1])
		command.Dir, command.Env = folder, env
		output, err := command.CombinedOutput()
		said.Write(output)
		if err != nil {
			t.Fatalf("%v\n%s\nsaid:\n%s", err, block[1], output)
		}
	}
	for words := range between {
		t.Errorf("no block has %q", words)
	}
	return said.String()
}

func (c *crowd) beyond(t testing.TB, percent float64, n int) (found []localOne) {
	t.Helper()
	for _, p := range c.people {
		if in, _ := cohortOf(percent)(p); !in && len(found) < n {
			found = append(found, p)
		}
	}
	if len(found) < n {
		t.Fatalf("%d of %d users are beyond %v %%, expected %d", len(found), len(c.people), percent, n)
	}
	return found
}

func TestGuide_ThereAndBack_M4_M7_M8(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	c := newCrowd(t, s.Stack, 120)
	some := c.beyond(t, 80, 4)
	bad, seen, elsewhere, factor := some[0], some[1], some[2], some[3]
	hash := localHash(t, s.Stack, bad.id)
	execute(t, s.Stack, "UPDATE auth.users SET password_hash = 'md5' WHERE id = $1", bad.id)
	said := runGuide(t, s, map[string]func(){
		"--percent 10 --rate": func() {
			for _, p := range c.people {
				if in, _ := cohortOf(10)(p); in {
					p.signInMoved(t, s, "R1: a user of the first tenth")
					return
				}
			}
		},
		"users pause": func() {
			slow := usersCommand(t, s.Stack, nil, "move", "--percent", "60", "--rate", "1", "--yes")
			if err := slow.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = slow.Wait() })
			waitFor(t, 30*time.Second, "a run is carried", func() bool {
				return count(t, s.Stack, "auth.bulk_runs WHERE state = 'running' AND lease_by IS NOT NULL") == 1
			})
		},
		"users retry": func() {
			c.expectWhereabouts(t, "100 %", func(p localOne) (bool, bool) { return p.id != bad.id, true })
			execute(t, s.Stack, "UPDATE auth.users SET password_hash = $2 WHERE id = $1", bad.id, hash)
		},
		"--new-users local\nauthd users return": func() {
			newLogin(t, s, seen.email, seen.password)
			changeBehindOurBack(t, s.Stack, elsewhere.email, elsewhere.password, firebasePassword)
			enroll(t, s, factor.id.String())
		},
	})
	expectSaid(t, said,
		"Verified in", "state in_step", "0 can come back, of 0 at Firebase", "1 users: invalid_hash, such as "+bad.id.String(),
		"traffic             50 % -> 100 %", "users               0 % -> 10 %", "auth_moves_total{outcome=\"moved\"} 1",
		" is paused: ", " is running: ", " is stopped: ", "invalid_hash: 1", "is as it was signed", "The 120 rows are what they were", "is in the tree of 120 rows",
		"119 can come back, of 120 at Firebase", "118 of them (99.2 %)", "1 users: second_factor, such as "+factor.id.String(),
		"         118 |               1 |           1", "traffic             50 % -> 0 %",
	)
	expectCounted(t, s, `auth_moves_users_total{code="imported",kind="move",outcome="moved"} `)
	expectCounted(t, s, `auth_moves_run_states_total{kind="move",reason="",state="done"} `)
	expectUsers(t, s.Stack, 0, "  return  done    ", "runs")
	expectUsers(t, s.Stack, 0, "kind        return\n", "runs", newestRun(t, s.Stack).ID.String())
	if fits(t, s.Stack, elsewhere.id, elsewhere.password) {
		t.Error("M7: the old service would accept the former password")
	}
	elsewhere.password = firebasePassword
	for _, p := range []localOne{bad, seen, elsewhere} {
		if kind := p.signIn(t, s, "/v1/auth/login"); kind != "legacy" {
			t.Errorf("M7: %s signs in as %s", p.email, kind)
		}
	}
}

var codeConstant = regexp.MustCompile(`\b(?:[cC]ode|Reason)[A-Z]\w*\s+= "([a-z_]+)"`)

func TestGuide_NamesEachCode(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(migrationGuide)
	if err != nil {
		t.Fatal(err)
	}
	codes := 0
	for _, room := range []string{"move", "bulk", "rollback"} {
		files, err := filepath.Glob("../internal/" + room + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, match := range codeConstant.FindAllSubmatch(source, -1) {
				codes++
				if !strings.Contains(string(page), "`"+string(match[1])+"`") {
					t.Errorf("%s has the code %s, and the guide does not", file, match[1])
				}
			}
		}
	}
	if codes < 40 {
		t.Errorf("%d codes were found, expected 40 or more", codes)
	}
}
