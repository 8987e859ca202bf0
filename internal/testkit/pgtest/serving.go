package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/devstack/postgres"
)

const servingLogin = "test_authd"

// Serving returns the address for a login with the rights of auth_serving only.
func Serving(t testing.TB, databaseURL string) string {
	t.Helper()
	s := mustServer(t)
	if err := s.serving(); err != nil {
		t.Fatalf("the login that serves: %v", err)
	}
	location, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatalf("the address of the database to serve from: %v", err)
	}
	password, _ := s.url.User.Password()
	location.User = url.UserPassword(servingLogin, password)
	return location.String()
}

func (s *server) makeServing(ctx context.Context) error {
	if _, err := s.migrated(); err != nil {
		return fmt.Errorf("migrated template: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, makeLimit)
	defer cancel()
	conn, err := s.admin.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Release()
	if err := lock(ctx, conn); err != nil {
		return err
	}
	defer unlock(conn)
	return s.createLogin(ctx, conn)
}

func (s *server) createLogin(ctx context.Context, conn *pgxpool.Conn) error {
	var known bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", servingLogin).Scan(&known); err != nil || known {
		return err
	}
	password, _ := s.url.User.Password()
	verifier, err := postgres.Verifier(password)
	if err != nil {
		return err
	}
	owner := pgx.Identifier{s.url.User.Username()}.Sanitize()
	_, err = conn.Exec(ctx, fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s' IN ROLE auth_serving; GRANT %s TO %s",
		servingLogin, verifier, servingLogin, owner))
	return err
}
