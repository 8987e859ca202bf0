package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"auth-v2-service/internal/testkit/programs"
)

// TestMain serves the bare handler, too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "bare" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestRun_MeasuresEveryPath(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	table, err := run(t.Context(), Options{
		Rounds: 1, Length: 300 * time.Millisecond, Connections: 4, Tokens: 50, Warm: 10, Pool: 4, Log: "info", Node: true, Self: self,
		Authd: programs.Authd(t), Authdev: programs.Authdev(t),
	}, &out)
	if err != nil {
		t.Errorf("the run failed: %v", err)
	}
	for _, name := range []string{
		"verify-token, warm", "verify-token, warm, spaced", "forward, warm", "verify-token, cold", "first sight", "login", "bare: INSERT alone",
		"the plan's design, warm", "the plan's design, cold", "the plan's design, first sight",
	} {
		if !strings.Contains(out.String(), name) {
			t.Errorf("the table has no %q:\n%s", name, &out)
		}
	}
	if got := len(ratios(table)); got != 7 {
		t.Errorf("the table has %d ratios of the service, want 7: warm's three, cold's, first sight's two, login's", got)
	}
}
