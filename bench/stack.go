package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"auth-v2-service/internal/devstack"
	"auth-v2-service/internal/devstack/child"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/devstack/postgres"
	"auth-v2-service/internal/devstack/redis"
)

const startLimit = 60 * time.Second

type server struct {
	addr string
	pid  int
}

type stack struct {
	options Options
	pins    pins
	dir     string
	stops   []func() error

	databaseURL, redisURL, identityAddr string
	authd, bare, node                   server
}

func (s *stack) start(ctx context.Context) error {
	for _, step := range []func(context.Context) error{s.startStores, s.startIdentity, s.startAuthd, s.startBare, s.startNode} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *stack) stop() error {
	var failures error
	for _, stop := range slices.Backward(s.stops) {
		failures = errors.Join(failures, stop())
	}
	return failures
}

func (s *stack) onStop(stop func() error) { s.stops = append(s.stops, stop) }

func (s *stack) startStores(ctx context.Context) error {
	database, err := postgres.Start(ctx, postgres.Options{
		DataDir: filepath.Join(s.dir, "postgres"), Fsync: true, CommitDelay: s.options.CommitDelay, Log: os.Stderr,
	})
	if err != nil {
		return err
	}
	s.onStop(database.Stop)
	if err := database.CreateDatabase(ctx, "bench"); err != nil {
		return err
	}
	s.databaseURL = database.URL("bench")
	cache, err := redis.Start(ctx, redis.Options{Dir: filepath.Join(s.dir, "redis")})
	if err != nil {
		return err
	}
	s.onStop(cache.Stop)
	s.redisURL = cache.URL()
	return nil
}

func (s *stack) startIdentity(ctx context.Context) error {
	addr, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	s.identityAddr = addr
	_, err = s.startChild(ctx, child.Options{
		Path: s.options.Authdev, Args: []string{"identity", "--listen", addr, "--project", project, "--snapshot", snapshotPath(s.dir)},
	}, s.certsURL())
	return err
}

func (s *stack) certsURL() string { return "http://" + s.identityAddr + identity.CertificatePath }

// startAuthd sets no limits and reads the log from a pipe.
func (s *stack) startAuthd(ctx context.Context) error {
	addr, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	path, args := s.pins.command(s.options.Authd, "serve")
	pid, err := s.startChild(ctx, child.Options{Path: path, Args: args, Stderr: &warnFilter{to: os.Stderr}, Env: []string{
		"AUTH_ENV=development", "RATE_LIMIT=off", "LOG_LEVEL=" + s.options.Log, "LISTEN_HOST=127.0.0.1", "PORT=" + port, "METRICS_PORT=0",
		"SHUTDOWN_DRAIN=0s", "DATABASE_URL=" + s.databaseURL, "REDIS_URL=" + s.redisURL,
		"DB_POOL_MAX=" + strconv.Itoa(s.options.Pool), "FIREBASE_PROJECT_ID=" + project, "FIREBASE_API_KEY=bench",
		"FIREBASE_AUTH_EMULATOR_HOST=" + s.identityAddr, "FIREBASE_CERTS_URL=" + s.certsURL(),
		"JWT_ACCESS_SECRET=access-secret-of-a-bench-32-byte", "JWT_REFRESH_SECRET=refresh-secret-of-a-bench-32-bytes",
	}}, "http://"+addr+"/health/ready")
	s.authd = server{addr: addr, pid: pid}
	return err
}

func (s *stack) startBare(ctx context.Context) error {
	addr, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	path, args := s.pins.command(s.options.Self, "bare", "--listen", addr)
	pid, err := s.startChild(ctx, child.Options{Path: path, Args: args, Env: []string{
		"DATABASE_URL=" + s.databaseURL, "DB_POOL_MAX=" + strconv.Itoa(s.options.Pool),
		"IDENTITY_URL=http://" + s.identityAddr, "FIREBASE_CERTS_URL=" + s.certsURL(),
	}}, "http://"+addr+"/ready")
	s.bare = server{addr: addr, pid: pid}
	return err
}

// startChild returns once url answers 200.
func (s *stack) startChild(ctx context.Context, o child.Options, url string) (pid int, err error) {
	o.Stdout = os.Stderr // stdout is for the table
	if o.Stderr == nil {
		o.Stderr = os.Stderr
	}
	process, err := child.Start(o)
	if err != nil {
		return 0, err
	}
	s.onStop(process.Stop)
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		err := devstack.Probe(ctx, url)
		if err == nil {
			return process.Pid(), nil
		}
		select {
		case <-process.Done():
			return 0, fmt.Errorf("%s ended while starting: %w", o.Path, errors.Join(process.Err(), err))
		case <-ctx.Done():
			return 0, fmt.Errorf("%s was not ready in time: %w", o.Path, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}

const fillAtOnce = 100_000

// fill proves the addresses, because a first proof is an extra write. last_login is in the future, so no background write follows (F8: one
// in five minutes a user).
func (s *stack) fill(ctx context.Context, kinds map[string]int) error {
	conn, err := pgx.Connect(ctx, s.databaseURL)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	began := time.Now()
	for kind, rows := range kinds {
		for from := 0; from < rows; from += fillAtOnce {
			_, err = conn.Exec(ctx, `
				INSERT INTO auth.users (
					firebase_uid, email, username, auth_provider, last_firebase_sync, last_login, email_proven_at, email_proven_by
				)
				SELECT left(encode(sha256(convert_to($1 || ' ' || i, 'UTF8')), 'hex'), 28), $1 || '-' || i || '@example.test',
					$1 || ' person ' || i, 'firebase', now(), now() + interval '1 hour', now(), 'password'
				FROM generate_series($2::bigint, $3::bigint) AS t (i)`, kind, from, min(from+fillAtOnce, rows)-1)
			if err != nil {
				return fmt.Errorf("insert people: %w", err)
			}
			if rows > fillAtOnce {
				say("%d of %d people (%.0f s)", min(from+fillAtOnce, rows), rows, time.Since(began).Seconds())
			}
		}
	}
	if _, err := conn.Exec(ctx, "VACUUM ANALYZE auth.users"); err != nil {
		return fmt.Errorf("analyze: %w", err)
	}
	return nil
}
