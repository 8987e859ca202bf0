package devstack

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	"auth-v2-service/internal/devstack/emulator"
	"auth-v2-service/internal/devstack/identity"
	"auth-v2-service/internal/devstack/postgres"
	"auth-v2-service/internal/devstack/redis"
)

func (s *stack) startPostgres(ctx context.Context) error {
	start := time.Now()
	server, err := postgres.Start(ctx, postgres.Options{DataDir: s.options.Folder.path("postgres"), Fsync: true, Log: s.out()})
	if err != nil {
		return err
	}
	s.parts = append(s.parts, part{name: "PostgreSQL", done: server.Done(), stop: server.Stop})
	if err := server.CreateDatabase(ctx, database); err != nil {
		return err
	}
	s.places.owner, s.places.database = server.URL(database), server.ServingURL(database)
	s.addServing = server.AddServing
	s.say("PostgreSQL %s ready on %s (%s)", server.Version(), server.Addr(), since(start))
	return nil
}

func (s *stack) startRedis(ctx context.Context) error {
	start := time.Now()
	server, err := redis.Start(ctx, redis.Options{Dir: s.options.Folder.path("redis")})
	if err != nil {
		return err
	}
	s.parts = append(s.parts, part{name: "Redis", done: server.Done(), stop: server.Stop})
	s.places.redis = server.URL()
	s.say("Redis %s ready on %s (%s)", server.Version(), server.Addr(), since(start))
	return nil
}

func (s *stack) startIdentity(ctx context.Context) error {
	if s.options.Identity == Emulator {
		return s.startEmulator(ctx)
	}
	return s.startEmbedded()
}

// startEmbedded has its own context: it stops after authd.
func (s *stack) startEmbedded() error {
	start := time.Now()
	port, err := s.reserve(identityPort)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("identity provider: %w", err)
	}
	provider, err := identity.New(identity.Options{ProjectID: ProjectID, SnapshotPath: s.options.Folder.path("identity.json")})
	if err != nil {
		_ = listener.Close()
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	var ended error
	go func() {
		defer close(done)
		ended = provider.Serve(ctx, listener)
	}()
	why := func() error { <-done; return ended }
	stop := func() error { cancel(); return why() }
	s.parts = append(s.parts, part{name: "identity provider", done: done, why: why, stop: stop})
	s.places.identity = listener.Addr().String()
	s.places.certificates = "http://" + s.places.identity + identity.CertificatePath
	s.say("Identity provider (embedded) ready on %s (%s)", s.places.identity, since(start))
	return nil
}

func (s *stack) startEmulator(ctx context.Context) error {
	start := time.Now()
	port, err := s.reserve(identityPort)
	if err != nil {
		return err
	}
	server, err := emulator.Start(ctx, emulator.Options{
		Dir: s.options.Folder.path("emulator"), ProjectID: ProjectID, Port: port, Log: s.out(),
	})
	if err != nil {
		return err
	}
	s.parts = append(s.parts, part{name: "Firebase emulator", done: server.Done(), stop: server.Stop})
	s.places.identity = server.Addr()
	s.say("Identity provider (Firebase's emulator, unsigned tokens) ready on %s (%s)", server.Addr(), since(start))
	return nil
}
