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
	code := 1
	end, err := prepare(context.Background())
	if err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, "the tests of backups need pg_dump, pg_restore and psql:", err)
	}
	end()
	os.Exit(code)
}

// prepare gives what ends what it has started, also with an error.
func prepare(ctx context.Context) (end func(), err error) {
	end = func() {}
	if os.Getenv(pgtest.EnvURL) == "" {
		server, err := postgres.StartScratch(ctx, os.Stderr)
		if err != nil {
			return end, err
		}
		end = func() { _ = server.Stop() }
		if err := os.Setenv(pgtest.EnvURL, server.URL("postgres")); err != nil {
			return end, err
		}
	}
	if fits(ctx) == nil {
		return end, nil
	}
	dir, err := bring(ctx)
	if err != nil || fits(ctx) == nil {
		return end, err
	}
	another, err := serverOf(ctx, dir)
	outer := end
	return func() { another(); outer() }, err
}

// serverOf starts a server of the programs in dir and lets the tests use it.
func serverOf(ctx context.Context, dir string) (end func(), err error) {
	data, err := os.MkdirTemp("", "auth-v2-service-backup-")
	if err != nil {
		return func() {}, err
	}
	end = func() { _ = os.RemoveAll(data) }
	if err := os.Setenv("DEVSTACK_POSTGRES_BIN", dir); err != nil {
		return end, err
	}
	server, err := postgres.Start(ctx, postgres.Options{DataDir: data + "/data", Log: os.Stderr})
	if err != nil {
		return end, err
	}
	end = func() {
		_ = server.Stop()
		_ = os.RemoveAll(data)
	}
	return end, errors.Join(os.Setenv(pgtest.EnvURL, server.URL("postgres")), fits(ctx))
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
