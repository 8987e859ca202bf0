package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	goredis "github.com/redis/go-redis/v9"

	"auth-v2-service/internal/devstack/child"
	"auth-v2-service/internal/devstack/freeport"
)

const (
	host        = "127.0.0.1"
	oldestMajor = 6
	startLimit  = 20 * time.Second
)

// Options configures the server.
type Options struct {
	// Dir holds redis.log.
	Dir       string
	Port      int
	InProcess bool
	// Libraries is Program's LD_LIBRARY_PATH.
	Program, Libraries string
}

// Server is a running Redis.
type Server struct {
	addr    string
	version string
	done    <-chan struct{}
	halt    func() error
	once    sync.Once
	stopErr error
}

// Start waits until the server answers.
func Start(ctx context.Context, o Options) (*Server, error) {
	program, version, ok := find(ctx, o)
	if o.InProcess || !ok {
		return startInProcess(o)
	}
	var err error
	for range 3 {
		var server *Server
		if server, err = startProgram(ctx, o, program, version); err == nil {
			return server, nil
		}
		if o.Port != 0 || ctx.Err() != nil {
			break
		}
	}
	return nil, err
}

var versionPattern = regexp.MustCompile(`v=((\d+)\.[\d.]+)`)

func find(ctx context.Context, o Options) (program, version string, ok bool) {
	program, err := exec.LookPath(cmp.Or(o.Program, "redis-server"))
	if err != nil {
		return "", "", false
	}
	ask := exec.CommandContext(ctx, program, "--version")
	ask.Env = o.environment()
	output, err := ask.Output()
	if err != nil {
		return "", "", false
	}
	match := versionPattern.FindStringSubmatch(string(output))
	if match == nil {
		return "", "", false
	}
	major, err := strconv.Atoi(match[2])
	return program, match[1], err == nil && major >= oldestMajor
}

func (o Options) environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH")}
	if o.Libraries != "" {
		env = append(env, "LD_LIBRARY_PATH="+o.Libraries)
	}
	return env
}

func startProgram(ctx context.Context, o Options, program, version string) (*Server, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("redis folder: %w", err)
	}
	port, err := freeport.Choose(host, o.Port)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(o.Dir, "redis.log"))
	if err != nil {
		return nil, fmt.Errorf("redis log: %w", err)
	}
	defer func() { _ = log.Close() }()
	process, err := child.Start(child.Options{
		Path: program, Dir: o.Dir, Env: o.environment(), Stdout: log, Stderr: log,
		Args: []string{
			"--port", strconv.Itoa(port), "--bind", host, "--dir", o.Dir, "--save", "", "--appendonly", "no", "--daemonize", "no",
		},
	})
	if err != nil {
		return nil, err
	}
	server := &Server{
		addr: net.JoinHostPort(host, strconv.Itoa(port)), version: version, done: process.Done(), halt: process.Stop,
	}
	if err := server.waitReady(ctx); err != nil {
		_ = process.Stop()
		return nil, fmt.Errorf("%w (see %s)", err, log.Name())
	}
	return server, nil
}

func (s *Server) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	client := goredis.NewClient(&goredis.Options{Addr: s.addr, MaxRetries: -1})
	defer func() { _ = client.Close() }()
	for {
		err := client.Ping(ctx).Err()
		select {
		case <-s.done:
			return errors.New("redis-server ended while starting")
		default:
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("redis-server was not ready in time: %w", errors.Join(ctx.Err(), err))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func startInProcess(o Options) (*Server, error) {
	mini := miniredis.NewMiniRedis()
	mini.ClockTTL(true)
	if err := mini.StartAddr(net.JoinHostPort(host, strconv.Itoa(o.Port))); err != nil {
		return nil, fmt.Errorf("redis in process: %w", err)
	}
	done := make(chan struct{})
	halt := func() error {
		mini.Close()
		close(done)
		return nil
	}
	return &Server{addr: mini.Addr(), version: "in process", done: done, halt: halt}, nil
}

// Addr is host:port.
func (s *Server) Addr() string { return s.addr }

// URL is REDIS_URL's value.
func (s *Server) URL() string { return "redis://" + s.addr + "/0" }

// Version is "in process" for miniredis.
func (s *Server) Version() string { return s.version }

// Done closes when the server ends.
func (s *Server) Done() <-chan struct{} { return s.done }

// Stop ends the server; it is idempotent.
func (s *Server) Stop() error {
	s.once.Do(func() { s.stopErr = s.halt() })
	return s.stopErr
}
