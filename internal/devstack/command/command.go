// Package command runs installers.
package command

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

const kept = 2000

// Run runs a program. Its error includes the output's last 2,000 bytes.
func Run(ctx context.Context, folder string, words ...string) error {
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir, cmd.WaitDelay = folder, 10*time.Second
	if output, err := cmd.CombinedOutput(); err != nil {
		text := strings.TrimSpace(string(output))
		return fmt.Errorf("%s: %w\n%s", strings.Join(words, " "), err, text[max(0, len(text)-kept):])
	}
	return nil
}
