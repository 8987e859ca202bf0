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

// EnvURL names the server's address. Its role creates databases.
const EnvURL = "TEST_DATABASE_URL"

// New returns the URL of a migrated database, which the test's end drops.
func New(t testing.TB) string {
	t.Helper()
	s := mustServer(t)
	template, err := s.migrated()
	if err != nil {
		t.Fatalf("migrated template: %v", err)
	}
	return s.create(t, " TEMPLATE "+pgx.Identifier{template}.Sanitize())
}

// Empty returns the URL of an empty database.
func Empty(t testing.TB) string {
	t.Helper()
	return mustServer(t).create(t, "")
}

type server struct {
	url      *url.URL
	admin    *pgxpool.Pool
	migrated func() (string, error)
	serving  func() error
	own      *postgres.Server // holds its data folder's lock
}

// theServer ends with the process (see devstack/child) unless it comes from EnvURL.
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

// drop retries, since our role may not end an autovacuum worker (42501).
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

// databaseName is unique. PostgreSQL cuts names at 63 bytes.
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
