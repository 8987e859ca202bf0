package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"auth-v2-service/internal/testkit/servicetest"
)

// M7, M8: everybody goes there and comes back, and three comparisons have one root and no difference. PEOPLE=1000000 is the long form.
func TestUsersThereAndBack_OneRoot_M7_M8(t *testing.T) {
	t.Parallel()
	people := 3_000
	if n, err := strconv.Atoi(os.Getenv("PEOPLE")); err == nil {
		people = n
	}
	s := servicetest.Start(t, trusting)
	c := newCrowd(t, s.Stack, people)
	execute(t, s.Stack, "UPDATE auth.rollout SET traffic_buckets = 10000")
	var roots []string
	verify := func(stage string) {
		said := timedUsers(t, s, people, stage, "verify", "--json")
		var summary struct {
			Root        string
			Rows        int
			Differences map[string]int
		}
		if err := json.Unmarshal([]byte(said), &summary); err != nil || summary.Root == "" || len(summary.Differences) > 0 {
			t.Fatalf("M8: %s: %v\n%s", stage, err, said)
		}
		roots = append(roots, summary.Root)
	}
	verify("verify before")
	timedUsers(t, s, people, "move", "move", "--yes")
	verify("verify there")
	timedUsers(t, s, people, "return", "return", "--yes")
	verify("verify after")
	if roots[0] != roots[1] || roots[0] != roots[2] {
		t.Errorf("M8: the roots are %v", roots)
	}
	if n := count(t, s.Stack, "auth.users WHERE auth_provider = 'local' AND firebase_uid = id::text"); n != people {
		t.Errorf("M7: %d of %d users are back", n, people)
	}
	for i := 0; i < people; i += max(1, people/50) {
		if kind := c.people[i].signIn(t, s, "/v1/auth/login"); kind != "legacy" {
			t.Errorf("M7: a returned user signs in as %s", kind)
		}
	}
}

func timedUsers(t *testing.T, s *servicetest.Service, people int, what string, arguments ...string) string {
	t.Helper()
	command := usersCommand(t, s.Stack, nil, arguments...)
	var said, warned bytes.Buffer
	command.Stdout, command.Stderr = &said, &warned
	began := time.Now()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	memory, ended := "", make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			memory = cmp.Or(peakMemory(command.Process.Pid), memory)
			select {
			case <-ended:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	err := command.Wait()
	took := time.Since(began)
	close(ended)
	watching.Wait()
	if err != nil {
		t.Fatalf("%s: %v\n%s", what, err, warned.String())
	}
	t.Logf("%-15s%8d users, %9s, %6.0f a second, %s", what, people, took.Round(10*time.Millisecond), float64(people)/took.Seconds(), memory)
	return said.String()
}

// peakMemory is "" once the process has ended. A child's own usage would count its parent's memory before exec.
func peakMemory(pid int) string {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(status)) {
		if peak, is := strings.CutPrefix(line, "VmHWM:"); is {
			return strings.TrimSpace(peak)
		}
	}
	return ""
}
