package child_test

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/child"
)

func shell(t *testing.T, script string, o child.Options) *child.Process {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	o.Path, o.Args, o.Stdout, o.Env = "/bin/sh", []string{"-c", script}, writer, os.Environ()
	process, err := child.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	t.Cleanup(func() { _ = process.Signal(syscall.SIGKILL); _ = reader.Close() })
	line, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil || line != "up\n" {
		t.Fatalf("the script says %q, %v", line, err)
	}
	return process
}

func TestStop_Polite(t *testing.T) {
	t.Parallel()
	process := shell(t, `trap 'exit 4' INT; echo up; while :; do sleep 0.02; done`, child.Options{StopSignal: syscall.SIGINT})
	if err := process.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := process.Err(); err == nil || err.Error() != "exit status 4" {
		t.Errorf("it ended with %v, want exit status 4", err)
	}
	if err := process.Stop(); err != nil {
		t.Errorf("a second stop: %v", err)
	}
}

func TestStop_KillsTheGroupOfTheStubborn(t *testing.T) {
	t.Parallel()
	process := shell(t, `trap '' TERM; sleep 100 & echo up; while :; do sleep 1; done`, child.Options{Grace: 50 * time.Millisecond})
	group := process.Pid()
	if err := process.Stop(); err == nil || !strings.Contains(err.Error(), "was killed") {
		t.Errorf("stop gives %v, want that it was killed", err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for syscall.Kill(-group, 0) == nil && !onlyZombies(t, group) {
		if time.Now().After(deadline) {
			t.Fatal("a process of the group lives on")
		}
		<-time.After(10 * time.Millisecond)
	}
}

func onlyZombies(t *testing.T, group int) bool {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		stat, err := os.ReadFile("/proc/" + entry.Name() + "/stat")
		if err != nil {
			continue
		}
		_, after, _ := strings.Cut(string(stat), ") ") // state, parent, group
		fields := strings.Fields(after)
		if len(fields) > 2 && fields[2] == strconv.Itoa(group) && fields[0] != "Z" {
			return false
		}
	}
	return true
}

func TestStart_NoSuchProgram(t *testing.T) {
	t.Parallel()
	if _, err := child.Start(child.Options{Path: "/nowhere/program"}); err == nil {
		t.Error("starting it gives no error")
	}
}
