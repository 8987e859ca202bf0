package pgclient

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/backup"
	"auth-v2-service/internal/devstack/npm"
	"auth-v2-service/internal/devstack/postgres"
	"auth-v2-service/internal/testkit/checkout"
	"auth-v2-service/internal/testkit/pgtest"
)

// Prepare sets PATH and TEST_DATABASE_URL. Call it before pgtest, and end also after an error.
func Prepare(ctx context.Context) (end func(), err error) {
	end, err = prepare(ctx)
	if err != nil {
		err = fmt.Errorf("these tests need pg_dump, pg_restore and psql: %w", err)
	}
	return end, err
}

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

const maxSlots = 16

func serverOf(ctx context.Context, dir string) (end func(), err error) {
	end = func() {}
	if err := os.Setenv("DEVSTACK_POSTGRES_BIN", dir); err != nil {
		return end, err
	}
	major := filepath.Base(filepath.Dir(dir))
	for slot := range maxSlots {
		data := filepath.Join(npm.SharedCache(), fmt.Sprintf("postgres-%s-slot-%d", major, slot))
		server, err := postgres.Start(ctx, postgres.Options{DataDir: data, Log: os.Stderr})
		if errors.Is(err, postgres.ErrInUse) {
			continue
		}
		if err != nil {
			return end, err
		}
		end = func() { _ = server.Stop() }
		return end, errors.Join(os.Setenv(pgtest.EnvURL, server.URL("postgres")), fits(ctx))
	}
	return end, fmt.Errorf("all %d slots of PostgreSQL %s in %s are in use", maxSlots, major, npm.SharedCache())
}

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

func bring(ctx context.Context) (dir string, err error) {
	root, err := checkout.Root()
	if err != nil {
		return "", err
	}
	command := exec.CommandContext(ctx, filepath.Join(root, "tools", "postgres-client.sh"))
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
