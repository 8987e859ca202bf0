package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"auth-v2-service/internal/backup"
)

// envHanging makes this binary play a hanging authd.
const envHanging = "AUTHD_TEST_HANGING"

func hang(ctx context.Context, _ backup.Options) error {
	fmt.Println("working")
	<-ctx.Done()
	fmt.Println("told")
	select {}
}

func TestBackup_TheSecondInterruptEndsAtOnce(t *testing.T) {
	env := map[string]string{"DATABASE_URL": "postgres://a@127.0.0.1:1/a"}
	if os.Getenv(envHanging) != "" {
		t.Fatal(withBackups(env, hang))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$")
	command.Env = append(os.Environ(), envHanging+"=yes")
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for _, want := range []string{"working", "told"} {
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("it said %q, expected %q", lines.Text(), want)
		}
		if err := command.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	ended := make(chan bool, 1)
	go func() { ended <- interrupted(command) }()
	for { // an interrupt at the same moment as the first counts as that one
		select {
		case well := <-ended:
			if !well {
				t.Error("a second interrupt did not end it")
			}
			return
		case <-time.After(10 * time.Millisecond):
			_ = command.Process.Signal(os.Interrupt) // it may have ended
		}
	}
}

func interrupted(command *exec.Cmd) bool {
	var exit *exec.ExitError
	if !errors.As(command.Wait(), &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGINT
}

func TestRestore_TakesTheAddressFromAVariable(t *testing.T) {
	env := map[string]string{"DATABASE_URL": "postgres://a@b/live", "RESTORE_URL": "postgres://a:secret@b/copy", "ODD": "mysql://a@b/c"}
	for into, want := range map[string]string{
		"DATABASE_URL": "postgres://a@b/live", "RESTORE_URL": "postgres://a:secret@b/copy",
		"ODD": "", "UNSET": "", "postgres://a:secret@b/copy": "",
	} {
		before := maps.Clone(env)
		got, err := (&backupRestoreCommand{Into: into}).aimed(env)
		if got["DATABASE_URL"] != want || (err != nil) != (want == "") {
			t.Errorf("--into %s aims at %q (%v), expected %q", into, got["DATABASE_URL"], err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error holds a password: %v", err)
		}
		if !maps.Equal(env, before) {
			t.Error("the environment was changed")
		}
	}
}
