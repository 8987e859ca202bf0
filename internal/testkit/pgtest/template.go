package pgtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/db"
	"auth-v2-service/internal/devstack/treehash"
	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/sleep"
)

const (
	templatePrefix = "template_auth_"
	templateLock   = 0x70677465_73740001
	lockPoll       = 20 * time.Millisecond
	makeLimit      = 2 * time.Minute
)

// template renames the template last, so a killed process leaves no partial one.
func (s *server) template(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, makeLimit)
	defer cancel()
	hash, err := treehash.Of(db.Migrations)
	if err != nil {
		return "", fmt.Errorf("name the template: %w", err)
	}
	name := templatePrefix + hash
	conn, err := s.admin.Acquire(ctx)
	if err != nil {
		return "", fmt.Errorf("connect: %w", err)
	}
	defer conn.Release()
	if err := lock(ctx, conn); err != nil {
		return "", err
	}
	defer unlock(conn)
	if known, err := exists(ctx, conn, name); known || err != nil {
		return name, err
	}
	if err := s.make(ctx, conn, name); err != nil {
		return "", err
	}
	return name, nil
}

func (s *server) make(ctx context.Context, conn *pgxpool.Conn, name string) error {
	if err := dropTemplates(ctx, conn); err != nil {
		return err
	}
	half := name + "_half"
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{half}.Sanitize()); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	if err := schema.Migrate(ctx, schema.Options{DatabaseURL: s.address(half), Logger: slog.New(slog.DiscardHandler)}); err != nil {
		return err
	}
	if err := rename(ctx, conn, half, name); err != nil {
		return err
	}
	// an open connection would block a copy
	if _, err := conn.Exec(ctx, "ALTER DATABASE "+pgx.Identifier{name}.Sanitize()+" ALLOW_CONNECTIONS false"); err != nil {
		return fmt.Errorf("close the template: %w", err)
	}
	return nil
}

func dropTemplates(ctx context.Context, conn *pgxpool.Conn) error {
	rows, err := conn.Query(ctx, "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", templatePrefix)
	if err != nil {
		return fmt.Errorf("list templates: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list templates: %w", err)
	}
	for _, name := range names {
		if _, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)"); err != nil {
			return fmt.Errorf("drop template %s: %w", name, err)
		}
	}
	return nil
}

// rename retries until closed connections' backends have left.
func rename(ctx context.Context, conn *pgxpool.Conn, from, to string) error {
	statement := fmt.Sprintf("ALTER DATABASE %s RENAME TO %s", pgx.Identifier{from}.Sanitize(), pgx.Identifier{to}.Sanitize())
	for {
		_, err := conn.Exec(ctx, statement)
		if err == nil {
			return nil
		}
		if ended := sleep.Context(ctx, lockPoll); ended != nil {
			return fmt.Errorf("rename %s: %w", from, errors.Join(ended, err))
		}
	}
}

func exists(ctx context.Context, conn *pgxpool.Conn, name string) (bool, error) {
	var known bool
	err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&known)
	if err != nil {
		return false, fmt.Errorf("look for the template: %w", err)
	}
	return known, nil
}

// lock polls: a waiting statement's snapshot would block CREATE INDEX CONCURRENTLY.
func lock(ctx context.Context, conn *pgxpool.Conn) error {
	for {
		var held bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", int64(templateLock)).Scan(&held); err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		if held {
			return nil
		}
		if err := sleep.Context(ctx, lockPoll); err != nil {
			return fmt.Errorf("wait for another process to make the template: %w", err)
		}
	}
}

// unlock has its own limit: the caller's may have passed.
func unlock(conn *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", int64(templateLock)); err != nil {
		_ = conn.Conn().Close(ctx)
	}
}
