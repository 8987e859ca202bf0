package e2e

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"auth-v2-service/internal/devstack/freeport"
	"auth-v2-service/internal/devstack/postgres"
	"auth-v2-service/internal/schema"
	"auth-v2-service/internal/testkit/servicetest"
)

type node struct {
	dir    string
	port   int
	server *postgres.Server
}

func (n *node) host() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(n.port)) }

func (n *node) start(t *testing.T) {
	t.Helper()
	server, err := postgres.Start(t.Context(), postgres.Options{DataDir: n.dir, Port: n.port})
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	n.server = server
}

func (n *node) stop(t *testing.T) {
	t.Helper()
	if n.server == nil {
		return
	}
	if err := n.server.Stop(); err != nil {
		t.Errorf("stop PostgreSQL: %v", err)
	}
	n.server = nil
}

// signal makes the next start a standby or not.
func (n *node) signal(t *testing.T, standby bool) {
	t.Helper()
	path := filepath.Join(n.dir, "standby.signal")
	err := os.Remove(path)
	if standby {
		err = os.WriteFile(path, nil, 0o600)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}

type cluster struct{ first, second *node }

func newCluster(t *testing.T) *cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "cluster-") // short, for the socket's path
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{first: &node{dir: filepath.Join(dir, "first")}, second: &node{dir: filepath.Join(dir, "second")}}
	t.Cleanup(func() {
		c.first.stop(t)
		c.second.stop(t)
		_ = os.RemoveAll(dir)
	})
	for _, n := range []*node{c.first, c.second} {
		if n.port, err = freeport.Choose("127.0.0.1", 0); err != nil {
			t.Fatal(err)
		}
	}
	c.first.start(t)
	for _, name := range []string{"people", "unmigrated"} {
		if err := c.first.server.CreateDatabase(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	if err := schema.Migrate(t.Context(), schema.Options{DatabaseURL: c.first.server.URL("people"), Logger: quiet}); err != nil {
		t.Fatal(err)
	}
	if err := c.first.server.AddServing(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *cluster) failOver(t *testing.T) {
	t.Helper()
	c.first.stop(t)
	for _, suffix := range []string{"", ".password"} {
		if output, err := exec.CommandContext(t.Context(), "cp", "-a", c.first.dir+suffix, c.second.dir+suffix).CombinedOutput(); err != nil {
			t.Fatalf("copy the data: %v\n%s", err, output)
		}
	}
	c.second.start(t)
	c.demote(t)
}

func (c *cluster) demote(t *testing.T) {
	t.Helper()
	c.first.stop(t)
	c.first.signal(t, true)
	c.first.start(t)
}

func (c *cluster) promote(t *testing.T) {
	t.Helper()
	c.first.stop(t)
	c.first.signal(t, false)
	c.first.start(t)
}

func (c *cluster) on(t *testing.T, n *node, shared *servicetest.Stack) *servicetest.Stack {
	t.Helper()
	stack := *shared
	stack.DirectURL, stack.ServingURL, stack.Pooler = n.server.URL("people"), n.server.ServingURL("people"), nil
	stack.DatabaseURL = stack.ServingURL
	pool, err := pgxpool.New(t.Context(), stack.DirectURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	stack.DB = pool
	return &stack
}

func (c *cluster) several(address string) string {
	return strings.Replace(address, c.first.host(), c.first.host()+","+c.second.host(), 1)
}

func factsLeft(t *testing.T, s *servicetest.Service) string {
	t.Helper()
	answer, err := http.Get(s.MetricsURL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, `auth_facts_tier_total{operation="write",result="kept"}`) {
			return strings.TrimSpace(line)
		}
	}
	return "none"
}
