package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/devstack/child"
	"auth-v2-service/internal/devstack/freeport"
	"auth-v2-service/internal/devstack/lockfile"
)

// Role owns every database. It is no superuser.
const Role = "atma_user"

// Serving is the services' login, made by AddServing.
const Serving = "authd"

const (
	superuser  = "postgres"
	host       = "127.0.0.1"
	startLimit = 60 * time.Second
)

// ErrInUse reports the data folder's live owner.
var ErrInUse = errors.New("another process runs a PostgreSQL server on this data folder")

// Options configures a server.
type Options struct {
	// DataDir is made when missing, with <DataDir>.log, .lock and .password beside it.
	DataDir string
	// Fsync false is several times faster; machine crashes lose data.
	Fsync bool
	// CommitDelay simulates a slow disk, up to 100 ms (PostgreSQL's commit_delay). Commits within it share the flush.
	CommitDelay time.Duration
	Port        int
	// Log may be nil.
	Log io.Writer
}

// Server is a running PostgreSQL.
type Server struct {
	process  *child.Process
	lock     *lockfile.Lock
	port     int
	password string
	version  string
	stop     sync.Once
	stopErr  error
}

// Start installs, initialises, stops orphans as needed, and returns once the server answers. Error: ErrInUse.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = io.Discard
	}
	dir, err := filepath.Abs(o.DataDir)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	o.DataDir = dir
	lock, err := lockfile.Try(dir + ".lock")
	if errors.Is(err, lockfile.ErrHeld) {
		return nil, fmt.Errorf("%s: %w", dir, ErrInUse)
	}
	if err != nil {
		return nil, err
	}
	server, err := startLocked(ctx, o)
	if err != nil {
		_ = lock.Close()
		return nil, err
	}
	server.lock = lock
	return server, nil
}

func startLocked(ctx context.Context, o Options) (*Server, error) {
	if err := stopOrphans(ctx, o.DataDir); err != nil {
		return nil, err
	}
	programs, err := locate(ctx, o)
	if err != nil {
		return nil, err
	}
	account, err := chooseAccount(programs)
	if err != nil {
		return nil, err
	}
	password, err := initialise(ctx, o, programs, account)
	if err != nil {
		return nil, err
	}
	server, err := launch(ctx, o, programs, account, password)
	if err != nil {
		return nil, err
	}
	if err := server.prepare(ctx); err != nil {
		_ = server.Stop()
		return nil, err
	}
	return server, nil
}

// Another program may take the port first.
func launch(ctx context.Context, o Options, programs programs, account account, password string) (*Server, error) {
	var err error
	for range 3 {
		var server *Server
		if server, err = launchOnce(ctx, o, programs, account, password); err == nil {
			return server, nil
		}
		if o.Port != 0 || !strings.Contains(err.Error(), "could not bind") {
			break
		}
	}
	return nil, err
}

func launchOnce(ctx context.Context, o Options, programs programs, account account, password string) (*Server, error) {
	port, err := freeport.Choose(host, o.Port)
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(o.DataDir+".log", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("server's log: %w", err)
	}
	defer func() { _ = log.Close() }() // no pipe: the server must not depend on us
	process, err := child.Start(child.Options{
		Path: programs.path("postgres"), Args: arguments(o, port), Dir: account.workDir(o.DataDir), Env: environment(),
		Stdout: log, Stderr: log, StopSignal: syscall.SIGINT, Grace: 20 * time.Second, Attributes: account.apply,
	})
	if err != nil {
		return nil, err
	}
	server := &Server{process: process, port: port, password: password, version: programs.version}
	if err := server.waitReady(ctx); err != nil {
		_ = process.Stop()
		return nil, fmt.Errorf("%w; the end of %s.log:\n%s", err, o.DataDir, tail(o.DataDir+".log", 12))
	}
	return server, nil
}

func arguments(o Options, port int) []string {
	settings := map[string]string{
		"listen_addresses": host, "port": strconv.Itoa(port), "unix_socket_directories": socketDir(o.DataDir),
		"max_connections": "300", "logging_collector": "off", "password_encryption": "scram-sha-256",
		"timezone": "UTC", "log_timezone": "UTC",
	}
	if !o.Fsync {
		settings["fsync"], settings["synchronous_commit"], settings["full_page_writes"] = "off", "off", "off"
	}
	if o.CommitDelay > 0 {
		settings["commit_delay"], settings["commit_siblings"] = strconv.FormatInt(o.CommitDelay.Microseconds(), 10), "0"
	}
	args := []string{"-D", o.DataDir}
	for name, value := range settings {
		args = append(args, "-c", name+"="+value)
	}
	return args
}

// The kernel's limit is 107 bytes.
func socketDir(dataDir string) string {
	if len(dataDir)+len("/.s.PGSQL.65535.lock") > 107 {
		return ""
	}
	return dataDir
}

// environment excludes PG* variables and locale.
func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LD_LIBRARY_PATH=" + os.Getenv("LD_LIBRARY_PATH"), "LC_ALL=C", "TZ=UTC"}
}

func (s *Server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.superURL(superuser))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.process.Done():
			return fmt.Errorf("PostgreSQL ended while starting: %w", errors.Join(s.process.Err(), err))
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL was not ready in time: %w", errors.Join(ctx.Err(), err))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) prepare(ctx context.Context) error {
	return s.withSuper(ctx, func(conn *pgx.Conn) error {
		var known bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", Role).Scan(&known); err != nil {
			return fmt.Errorf("look for the role: %w", err)
		}
		if known {
			return nil
		}
		_, err := conn.Exec(ctx, fmt.Sprintf("CREATE ROLE %s LOGIN CREATEDB CREATEROLE PASSWORD '%s'", Role, s.password))
		if err != nil {
			return fmt.Errorf("create the role: %w", err)
		}
		return nil
	})
}

// CreateDatabase makes a missing database for Role.
func (s *Server) CreateDatabase(ctx context.Context, name string) error {
	return s.withSuper(ctx, func(conn *pgx.Conn) error {
		var known bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&known); err != nil {
			return fmt.Errorf("look for database %s: %w", name, err)
		}
		if known {
			return nil
		}
		_, err := conn.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s OWNER %s", pgx.Identifier{name}.Sanitize(), Role))
		if err != nil {
			return fmt.Errorf("create database %s: %w", name, err)
		}
		return nil
	})
}

func (s *Server) withSuper(ctx context.Context, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, s.superURL(superuser))
	if err != nil {
		return fmt.Errorf("connect as the superuser: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	return do(conn)
}

// URL is a database's address as Role; "postgres" always exists.
func (s *Server) URL(db string) string { return s.address(Role, s.password, db) }

func (s *Server) superURL(db string) string { return s.address(superuser, s.password, db) }

func (s *Server) address(role, password, db string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(role, password), Host: s.Addr(), Path: "/" + db,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// AddServing makes Serving, a member of auth_serving, which migrations make. It is idempotent.
func (s *Server) AddServing(ctx context.Context) error {
	return s.withSuper(ctx, func(conn *pgx.Conn) error {
		var known bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", Serving).Scan(&known); err != nil {
			return fmt.Errorf("look for the login %s: %w", Serving, err)
		}
		if known {
			return nil
		}
		verifier, err := Verifier(s.servingPassword())
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s' IN ROLE auth_serving; GRANT %[1]s TO %[3]s", Serving, verifier, Role))
		if err != nil {
			return fmt.Errorf("create the login %s: %w", Serving, err)
		}
		return nil
	})
}

// ServingURL is a database's address as Serving.
func (s *Server) ServingURL(db string) string { return s.address(Serving, s.servingPassword(), db) }

func (s *Server) servingPassword() string {
	sum := sha256.Sum256([]byte(Serving + ":" + s.password))
	return hex.EncodeToString(sum[:])
}

// Addr is host:port.
func (s *Server) Addr() string { return net.JoinHostPort(host, strconv.Itoa(s.port)) }

// Version returns, say, "15.18".
func (s *Server) Version() string { return s.version }

// Done closes when the server ends.
func (s *Server) Done() <-chan struct{} { return s.process.Done() }

// Stop rolls back open transactions and unlocks the folder.
func (s *Server) Stop() error {
	s.stop.Do(func() {
		s.stopErr = s.process.Stop()
		if s.lock != nil {
			s.stopErr = errors.Join(s.stopErr, s.lock.Close())
		}
	})
	return s.stopErr
}

func tail(path string, lines int) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
