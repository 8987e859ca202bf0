// Package debian installs Debian packages unattended, as root.
package debian

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"auth-v2-service/internal/devstack/command"
)

// Install installs packages in order.
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
