package backup_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/backup"
	"auth-v2-service/internal/devstack/postgres"
	"auth-v2-service/internal/testkit/pgtest"
)

// TestMain makes sure that there are a server and client programs that fit it: those of this machine, else Debian's, unpacked
// into a cache folder. npm's server brings no pg_dump, so beside Debian's older programs a server of their version is started.
func TestMain(m *testing.M) {
	if os.Getenv(envChild) != "" {
		os.Exit(child())
	}
	if err := prepare(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "the tests of backups need pg_dump, pg_restore and psql:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func prepare(ctx context.Context) error {
	if os.Getenv(pgtest.EnvURL) == "" {
		server, err := postgres.StartScratch(ctx, os.Stderr)
		if err != nil {
			return err
		}
		if err := os.Setenv(pgtest.EnvURL, server.URL("postgres")); err != nil {
			return err
		}
	}
	if fits(ctx) == nil {
		return nil
	}
	dir, err := bring(ctx)
	if err != nil || fits(ctx) == nil {
		return err
	}
	data, err := os.MkdirTemp("", "auth-v2-service-backup-")
	if err != nil {
		return err
	}
	if err := os.Setenv("DEVSTACK_POSTGRES_BIN", dir); err != nil {
		return err
	}
	server, err := postgres.Start(ctx, postgres.Options{DataDir: data + "/data", Log: os.Stderr})
	if err != nil {
		return err
	}
	return errors.Join(os.Setenv(pgtest.EnvURL, server.URL("postgres")), fits(ctx))
}

// fits says whether this machine's programs can serve the tests' server.
func fits(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, os.Getenv(pgtest.EnvURL))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	var number int
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&number); err != nil {
		return err
	}
	_, err = backup.FindPrograms(ctx, environ(), number/10_000)
	return err
}

// bring fetches Debian's programs and puts them first on the PATH.
func bring(ctx context.Context) (dir string, err error) {
	command := exec.CommandContext(ctx, "../../tools/postgres-client.sh")
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("postgres-client.sh: %w", err)
	}
	dir, libraries, _ := strings.Cut(strings.TrimSpace(string(output)), "\n")
	return dir, errors.Join(os.Setenv("PATH", dir+":"+os.Getenv("PATH")), os.Setenv("LD_LIBRARY_PATH", libraries))
}

func environ() map[string]string {
	out := map[string]string{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		out[name] = value
	}
	return out
}
