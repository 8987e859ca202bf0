package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/testkit/servicetest"
)

func TestReadme_TheFlowByCurl(t *testing.T) {
	t.Parallel()
	s := servicetest.Start(t)
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```sh\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("README.md has no block of sh")
	}
	command := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", string(block[1]))
	command.Env = append(os.Environ(), "AUTH_URL="+s.URL)
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("the flow ended with %v:\n%s", err, output)
	}
	t.Logf("\n%s", output)

	type answer struct {
		Success bool
		Code    string
		Message string
		Data    struct {
			User struct {
				Username  string
				LastLogin time.Time `json:"last_login"`
			}
		}
	}
	var answers []answer
	for line := range strings.Lines(string(output)) {
		var a answer
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("%q is not JSON: %v", line, err)
		}
		answers = append(answers, a)
	}
	if len(answers) != 5 {
		t.Fatalf("the flow printed %d answers, expected me, verify-token, me, logout, verify-token", len(answers))
	}
	me, again, revoked := answers[0], answers[2], answers[4]
	if me.Data.User.Username == "" || !again.Data.User.LastLogin.After(me.Data.User.LastLogin) {
		t.Errorf("last_login went from %s to %s, expected it to move", me.Data.User.LastLogin, again.Data.User.LastLogin)
	}
	if revoked.Success || revoked.Code != "token_revoked" {
		t.Errorf("verify-token after logout answered %+v, expected token_revoked", revoked)
	}
}
