// Package debian installs Debian's packages unattended, where we are root and the system is one of Debian's kind. It does not
// know what they are for.
package debian

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"auth-v2-service/internal/devstack/command"
)

// Install brings packages, in their order, with what they cannot do without.
func Install(ctx context.Context, packages ...string) error {
	if os.Geteuid() != 0 {
		return errors.New("apt-get: not root")
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("apt-get: %w", err)
	}
	if err := apt(ctx, "update", "-q"); err != nil {
		return err
	}
	return apt(ctx, append([]string{"install", "-q", "-y", "--no-install-recommends"}, packages...)...)
}

func apt(ctx context.Context, args ...string) error {
	return command.Run(ctx, "", append([]string{"env", "DEBIAN_FRONTEND=noninteractive", "apt-get"}, args...)...)
}
