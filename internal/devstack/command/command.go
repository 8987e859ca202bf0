// Package command runs an installer to its end and keeps its words for the error. It does not know what is installed.
package command

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// kept is how much of the output's end an error shows.
const kept = 2000

// Run runs a program in a folder ("": this one). When it fails, the error holds the end of what it printed.
func Run(ctx context.Context, folder string, words ...string) error {
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir, cmd.WaitDelay = folder, 10*time.Second
	if output, err := cmd.CombinedOutput(); err != nil {
		text := strings.TrimSpace(string(output))
		return fmt.Errorf("%s: %w\n%s", strings.Join(words, " "), err, text[max(0, len(text)-kept):])
	}
	return nil
}
