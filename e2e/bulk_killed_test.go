package e2e

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"auth-v2-service/internal/testkit/programs"
	"auth-v2-service/internal/testkit/servicetest"
)

// begin waits until users have moved.
func beginMove(t *testing.T, s *servicetest.Stack, flags ...string) *exec.Cmd {
	t.Helper()
	before := count(t, s, "auth.audit_events WHERE action = 'user.moved'")
	command := usersCommand(t, s, nil, append([]string{"move", "--yes"}, flags...)...)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, 30*time.Second, "users move", func() bool { return count(t, s, "auth.audit_events WHERE action = 'user.moved'") > before })
	return command
}

func expectMovedOnce(t *testing.T, c *crowd) {
	t.Helper()
	waitFor(t, 90*time.Second, "the run is done", func() bool {
		passLapse(t, c.stack)
		return count(t, c.stack, "auth.bulk_runs WHERE state = 'done'") == 1
	})
	c.expectWhereabouts(t, "done", everybody)
	if n := count(t, c.stack, "auth.audit_events WHERE action = 'user.moved'"); n != len(c.people) {
		t.Errorf("%d moves of %d users are recorded", n, len(c.people))
	}
}

// M2: kill -9 of the command, and then of the instance that goes on: another instance completes the run.
func TestUsersMove_KilledTwice_M2(t *testing.T) {
	t.Parallel()
	binary, stack := programs.Authd(t), servicetest.NewStack(t)
	first := launch(t, binary, stack, trusting)
	c := newCrowd(t, stack, 400)
	execute(t, stack, "UPDATE auth.rollout SET traffic_buckets = 10000")
	command := beginMove(t, stack, "--rate", "20", "--parallel", "2")
	_ = command.Process.Kill()
	_ = command.Wait()
	moved := count(t, stack, "auth.users WHERE auth_provider = 'hybrid'")
	waitFor(t, 30*time.Second, "an instance goes on", func() bool {
		passLapse(t, stack)
		return count(t, stack, "auth.users WHERE auth_provider = 'hybrid'") > moved+20
	})
	first.kill(t)
	service := moving(t, binary, stack)
	expectMovedOnce(t, c)
	for _, p := range c.people[:20] {
		p.signInMoved(t, service, "after the kills")
	}
}

// A signal pauses the run between batches; the same command goes on.
func TestUsersMove_Interrupted(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	c := newCrowd(t, s.Stack, 120)
	newAdmin(t, s.Stack).rollOut(t, s, 0)
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		command := beginMove(t, s.Stack, "--rate", "10", "--parallel", "1")
		if err := command.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		_ = command.Wait()
		if code := command.ProcessState.ExitCode(); code != 130 {
			t.Errorf("%s: ended with %d, expected 130", signal, code)
		}
		if run := newestRun(t, s.Stack); run.State != "paused" || run.Reason != "interrupted" {
			t.Errorf("%s: the run is %+v", signal, run)
		}
	}
	run := newestRun(t, s.Stack)
	expectUsers(t, s.Stack, 2, "users stop", "move", "--yes", "--percent", "50")
	expectUsers(t, s.Stack, 0, "is running", "resume", run.ID.String())
	expectUsers(t, s.Stack, 2, "state", "resume", run.ID.String())
	expectUsers(t, s.Stack, 0, "is paused", "pause", run.ID.String())
	execute(t, s.Stack, "UPDATE auth.bulk_runs SET rate = 1000")
	waitFor(t, 15*time.Second, "no instance carries it", func() bool { return !newestRun(t, s.Stack).Carried })
	expectUsers(t, s.Stack, 0, "120 moved", "move", "--yes")
	expectMovedOnce(t, c)
}

// The row of the run is locked: the command waits for its pause, and a second signal ends it at once.
func TestUsersMove_InterruptedTwice(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	newCrowd(t, s.Stack, 120)
	newAdmin(t, s.Stack).rollOut(t, s, 0)
	var warned bytes.Buffer
	command := usersCommand(t, s.Stack, nil, "move", "--yes", "--rate", "10", "--parallel", "1")
	command.Stderr = &warned
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, 30*time.Second, "users move", func() bool { return count(t, s.Stack, "auth.audit_events WHERE action = 'user.moved'") > 0 })
	tx, err := s.DB.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), "SELECT FROM auth.bulk_runs FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := command.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
	}
	_ = command.Wait()
	if code := command.ProcessState.ExitCode(); code != 130 || !strings.Contains(warned.String(), "ended by terminated. Next: authd users move") {
		t.Errorf("ended with %d:\n%s", code, warned.String())
	}
}

// Users sign in during the run: each moves once, and no sign-in fails.
func TestUsersMove_WhileUsersSignIn_M2(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t, trusting)
	c := newCrowd(t, s.Stack, 150)
	newAdmin(t, s.Stack).rollOut(t, s, 100)
	command := usersCommand(t, s.Stack, nil, "move", "--yes", "--rate", "40", "--parallel", "3")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	c.atOnce(func(i int, p localOne) { p.signIn(t, s, doorOf(i)) })
	if err := command.Wait(); err != nil {
		t.Error(err)
	}
	expectMovedOnce(t, c)
	const by = "auth.audit_events WHERE action = 'user.moved' AND actor "
	signIns, run := count(t, s.Stack, by+"= 'user:' || user_id"), count(t, s.Stack, by+"LIKE 'cli:%'")
	if signIns == 0 || run == 0 || signIns+run != len(c.people) {
		t.Errorf("sign-ins moved %d and the run %d of %d users, expected each to move some, and all", signIns, run, len(c.people))
	}
	if done := newestRun(t, s.Stack); done.Moved != int64(run) || done.Skipped+done.Moved != int64(count(t, s.Stack, "auth.users")) || done.Failed != 0 {
		t.Errorf("the run is %+v, expected %d moved and the others skipped", done, run)
	}
}
