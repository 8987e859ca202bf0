package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/devstack/postgres"
)

// EnvURL names the variable that holds the address of a running server: a role that may create databases.
const EnvURL = "TEST_DATABASE_URL"

// New returns the URL of a fresh database with every migration applied. It is dropped when the test ends, with whoever is
// still connected.
func New(t testing.TB) string {
	t.Helper()
	s := mustServer(t)
	template, err := s.migrated()
	if err != nil {
		t.Fatalf("migrated template: %v", err)
	}
	return s.create(t, " TEMPLATE "+pgx.Identifier{template}.Sanitize())
}

// Empty returns the URL of a fresh database without anything in it: for tests of the migrations themselves.
func Empty(t testing.TB) string {
	t.Helper()
	return mustServer(t).create(t, "")
}

// server is where this process's databases are.
type server struct {
	url      *url.URL
	admin    *pgxpool.Pool
	migrated func() (string, error) // the template's name; made once a process
	serving  func() error           // makes the login that serves, once a process
	own      *postgres.Server       // the one that this process has started: while it can be reached, it holds its data folder's lock
}

// theServer is found or started once a process. One that we started has no stop: it ends with the process (the kernel
// tells it, see devstack/child), whichever way the process ends.
var theServer = sync.OnceValues(func() (*server, error) {
	ctx := context.Background()
	address := os.Getenv(EnvURL)
	var own *postgres.Server
	if address == "" {
		var err error
		if own, err = postgres.StartScratch(ctx, os.Stderr); err != nil {
			return nil, fmt.Errorf("start PostgreSQL: %w", err)
		}
		address = own.URL("postgres")
	}
	location, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", EnvURL, err)
	}
	admin, err := pgxpool.New(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", EnvURL, err)
	}
	s := &server{url: location, admin: admin, own: own}
	s.migrated = sync.OnceValues(func() (string, error) { return s.template(ctx) })
	s.serving = sync.OnceValue(func() error { return s.makeServing(ctx) })
	return s, nil
})

func mustServer(t testing.TB) *server {
	t.Helper()
	s, err := theServer()
	if err != nil {
		t.Fatalf("PostgreSQL for tests: %v", err)
	}
	return s
}

func (s *server) create(t testing.TB, options string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	name := databaseName(t.Name())
	if _, err := s.admin.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()+options); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.drop(ctx, name); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	return s.address(name)
}

// drop takes a database away with whoever is connected. An autovacuum worker is there on behalf of a superuser, whom our role
// may not put out (42501): it leaves by itself within moments.
func (s *server) drop(ctx context.Context, name string) error {
	const insufficientPrivilege = "42501"
	for {
		_, err := s.admin.Exec(ctx, "DROP DATABASE "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
		var refused *pgconn.PgError
		if !errors.As(err, &refused) || refused.Code != insufficientPrivilege {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (s *server) address(database string) string {
	u := *s.url
	u.Path = "/" + database
	return u.String()
}

// databaseName is unique, and says in pg_stat_activity which test it belongs to. PostgreSQL cuts names at 63 bytes.
func databaseName(test string) string {
	random := make([]byte, 6)
	_, _ = rand.Read(random) // never fails (crypto/rand)
	readable := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '_'
	}, test)
	return postgres.ScratchPrefix + hex.EncodeToString(random) + "_" + readable[:min(len(readable), 40)]
}
