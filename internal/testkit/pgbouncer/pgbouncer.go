package pgbouncer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"auth-v2-service/internal/devstack/child"
	"auth-v2-service/internal/devstack/freeport"
)

const (
	host       = "127.0.0.1"
	startLimit = 20 * time.Second
	// PoolSize counts server connections per database.
	PoolSize = 3
)

// Settings override the section [pgbouncer].
type Settings map[string]string

// Pooler is a running PgBouncer.
type Pooler struct {
	process         *child.Process
	upstream        *url.URL
	dir             string
	port            int
	keepsStatements bool
}

// New starts a pooler for a test.
func New(t testing.TB, databaseURL string, settings Settings) *Pooler {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	upstream, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatalf("the address of the database behind PgBouncer: %v", err)
	}
	p := &Pooler{upstream: upstream}
	if p.keepsStatements, err = keepsStatements(path); err != nil {
		t.Fatal(err)
	}
	if p.dir, err = os.MkdirTemp("", "pgbouncer-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(p.dir) })
	for range 3 { // a free port may be taken
		if err = p.start(path, settings); err == nil {
			t.Cleanup(func() { p.stop(t) })
			return p
		}
	}
	t.Fatalf("start PgBouncer: %v", err)
	return nil
}

func (p *Pooler) start(path string, settings Settings) (err error) {
	if p.port, err = freeport.Choose(host, 0); err != nil {
		return err
	}
	account, err := p.prepare(settings)
	if err != nil {
		return err
	}
	log, err := os.Create(p.file("pgbouncer.log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	p.process, err = child.Start(child.Options{
		Path: path, Args: []string{p.file("pgbouncer.ini")}, Dir: "/", Env: []string{"PATH=" + os.Getenv("PATH")},
		Stdout: log, Stderr: log,
		Attributes: func(attr *syscall.SysProcAttr) { attr.Credential = account },
	})
	if err != nil {
		return err
	}
	if err := p.waitReady(); err != nil {
		_ = p.process.Stop()
		return fmt.Errorf("%w; the end of its log:\n%s", err, p.logTail())
	}
	return nil
}

func (p *Pooler) file(name string) string { return filepath.Join(p.dir, name) }

// prepare chowns the files: PgBouncer refuses to run as root.
func (p *Pooler) prepare(settings Settings) (*syscall.Credential, error) {
	password, _ := p.upstream.User.Password()
	users := fmt.Sprintf("%s %s\n", quoted(p.upstream.User.Username()), quoted(password))
	err := errors.Join(
		os.WriteFile(p.file("users.txt"), []byte(users), 0o600),
		os.WriteFile(p.file("pgbouncer.ini"), []byte(p.configuration(settings)), 0o600))
	if err != nil || os.Geteuid() != 0 {
		return nil, err
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, fmt.Errorf("PgBouncer refuses to run as root: %w", err)
	}
	uid, uidErr := strconv.ParseUint(nobody.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(nobody.Gid, 10, 32)
	err = errors.Join(uidErr, gidErr)
	for _, path := range []string{p.dir, p.file("users.txt"), p.file("pgbouncer.ini")} {
		err = errors.Join(err, os.Chown(path, int(uid), int(gid)))
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

func quoted(value string) string { return `"` + strings.ReplaceAll(value, `"`, `""`) + `"` }

func (p *Pooler) configuration(changes Settings) string {
	settings := Settings{
		"listen_addr": host, "listen_port": strconv.Itoa(p.port), "unix_socket_dir": "",
		"auth_type": "scram-sha-256", "auth_file": p.file("users.txt"), "admin_users": p.upstream.User.Username(),
		"pool_mode": "transaction", "max_client_conn": "1000", "default_pool_size": strconv.Itoa(PoolSize),
		"server_round_robin": "1", "server_reset_query": "DISCARD ALL", "server_reset_query_always": "1", "server_lifetime": "1",
		"server_login_retry": "1", // the default of 15 s would prolong outages
	}
	if p.keepsStatements {
		settings["max_prepared_statements"] = "0"
	}
	maps.Copy(settings, changes)
	text := fmt.Sprintf("[databases]\n* = host=%s port=%s\n[pgbouncer]\n", p.upstream.Hostname(), p.upstream.Port())
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		text += name + " = " + settings[name] + "\n"
	}
	return text
}

func (p *Pooler) waitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	for {
		conn, err := p.console(ctx)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-p.process.Done():
			return fmt.Errorf("it ended while starting: %w", errors.Join(p.process.Err(), err))
		case <-ctx.Done():
			return fmt.Errorf("it was not ready in time: %w", errors.Join(ctx.Err(), err))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (p *Pooler) stop(t testing.TB) {
	t.Helper()
	if err := p.process.Stop(); err != nil {
		t.Errorf("stop PgBouncer: %v", err)
	}
	if t.Failed() {
		t.Logf("the end of PgBouncer's log:\n%s", p.logTail())
	}
}

func (p *Pooler) logTail() string {
	content, err := os.ReadFile(p.file("pgbouncer.log"))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// URL returns the database's address through the pooler.
func (p *Pooler) URL() string {
	through := *p.upstream
	through.Host = net.JoinHostPort(host, strconv.Itoa(p.port))
	return through.String()
}
