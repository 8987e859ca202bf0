package archtest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"auth-v2-service/internal/testkit/programs"
)

type tasks struct {
	Tasks []struct {
		Label, Type, Command, DependsOn string
	}
	Inputs []struct{ ID, Type, Description string }
}

var (
	makeTarget   = regexp.MustCompile(`\bmake ([a-z0-9-]+)`)
	programCall  = regexp.MustCompile(`\bbin/(authd|authdev) ((?:[a-z]+ ?)+)`)
	scriptPath   = regexp.MustCompile(`\b(?:tools|docker)/[\w./-]+`)
	inputPattern = regexp.MustCompile(`\$\{input:(\w+)\}`)
)

func TestTasks_NameWhatExists(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("../../.vscode/tasks.json")
	if err != nil {
		t.Fatal(err)
	}
	var all tasks
	if err := json.Unmarshal(content, &all); err != nil {
		t.Fatalf(".vscode/tasks.json: %v", err)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	folder := programs.Dir(t)
	var labels, inputs []string
	for _, task := range all.Tasks {
		labels = append(labels, task.Label)
	}
	for _, input := range all.Inputs {
		inputs = append(inputs, input.ID)
	}
	targets := 0
	for _, task := range all.Tasks {
		if task.Type != "shell" || task.Command == "" || task.DependsOn != "" && !slices.Contains(labels, task.DependsOn) {
			t.Errorf("the task %q is %+v", task.Label, task)
		}
		for _, match := range makeTarget.FindAllStringSubmatch(task.Command, -1) {
			targets++
			if !regexp.MustCompile(`(?m)^` + match[1] + `:`).Match(makefile) {
				t.Errorf("the task %q runs make %s, which the Makefile does not have", task.Label, match[1])
			}
		}
		for _, match := range inputPattern.FindAllStringSubmatch(task.Command, -1) {
			if !slices.Contains(inputs, match[1]) {
				t.Errorf("the task %q asks for %s, which is no input", task.Label, match[1])
			}
		}
		for _, path := range scriptPath.FindAllString(task.Command, -1) {
			if _, err := os.Stat(filepath.Join("../..", path)); err != nil {
				t.Errorf("the task %q: %v", task.Label, err)
			}
		}
		for _, call := range programCall.FindAllStringSubmatch(task.Command, -1) {
			expectCommand(t, task.Label, filepath.Join(folder, call[1]), call[2])
		}
	}
	if targets < 5 {
		t.Errorf("the tasks name %d targets of the Makefile, expected the usual ones", targets)
	}
}

func expectCommand(t *testing.T, label, program, command string) {
	t.Helper()
	arguments := append(regexp.MustCompile(`\S+`).FindAllString(command, -1), "--help")
	if output, err := exec.CommandContext(t.Context(), program, arguments...).CombinedOutput(); err != nil {
		t.Errorf("the task %q runs %s %v: %v\n%s", label, filepath.Base(program), arguments, err, output)
	}
}
