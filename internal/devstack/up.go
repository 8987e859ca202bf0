package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"auth-v2-service/internal/devstack/lockfile"
	"auth-v2-service/internal/schema"
)

// Values of Options.Identity.
const (
	Embedded = "embedded"
	Emulator = "emulator"
)

// Options configures a stack.
type Options struct {
	Folder Folder
	// Authd is the service's program.
	Authd string
	// Port is authd's; a port in use is replaced by the next free one.
	Port int
	// MetricsPort defaults to 9464.
	MetricsPort int
	// Identity is Embedded or Emulator.
	Identity string
	Out      *os.File
}

// Up runs the stack until ctx ends (nil) or a part dies (an error). Everything has ended when it returns.
func Up(ctx context.Context, o Options) (err error) {
	lock, err := o.Folder.holdSoon(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	s := &stack{options: o, began: time.Now()}
	defer func() { err = errors.Join(err, s.stop()) }()
	if err := s.start(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	return s.wait(ctx)
}

type stack struct {
	options Options
	began   time.Time
	parts   []part
	ports   []*lockfile.Lock
	places  places
	env     Env
	// addServing needs the migrations' role.
	addServing func(context.Context) error
}

type part struct {
	name string
	done <-chan struct{}
	// why explains the end, once done is closed; may be nil.
	why  func() error
	stop func() error
}

func (s *stack) start(ctx context.Context) error {
	secrets, err := s.options.Folder.secrets()
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{s.startPostgres, s.startRedis, s.startIdentity} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := s.choosePorts(); err != nil {
		return err
	}
	service := serviceEnv(s.places, secrets)
	s.env = runEnv(s.places, service)
	for _, step := range []func(context.Context) error{s.migrate, s.seed} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := s.startAuthd(ctx, service); err != nil {
		return err
	}
	if err := s.env.write(s.options.Folder.RunEnv(), runEnvComment); err != nil {
		return err
	}
	s.announce()
	return nil
}

func (s *stack) migrate(ctx context.Context) error {
	start := time.Now()
	log := slog.New(slog.DiscardHandler)
	if err := schema.Migrate(ctx, schema.Options{DatabaseURL: s.places.owner, Logger: log}); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	if err := s.addServing(ctx); err != nil {
		return err
	}
	s.say("Schema migrated (%s)", since(start))
	return nil
}

func (s *stack) seed(ctx context.Context) error {
	start := time.Now()
	if err := Seed(ctx, s.env); err != nil {
		return err
	}
	s.say("%d people seeded (%s)", len(People), since(start))
	return nil
}

func (s *stack) wait(ctx context.Context) error {
	ended := make(chan part, len(s.parts))
	for _, p := range s.parts {
		go func() {
			<-p.done
			ended <- p
		}()
	}
	select {
	case <-ctx.Done():
		return nil
	case p := <-ended:
		return p.died()
	}
}

func (p part) died() error {
	if p.why != nil {
		if err := p.why(); err != nil {
			return fmt.Errorf("%s ended by itself: %w", p.name, err)
		}
	}
	return fmt.Errorf("%s ended by itself", p.name)
}

// run.env goes first: readers must not use ending parts.
func (s *stack) stop() error {
	var failures error
	if err := os.Remove(s.options.Folder.RunEnv()); err != nil && !errors.Is(err, os.ErrNotExist) {
		failures = err
	}
	if len(s.parts) > 0 {
		s.say("Stopping ...")
	}
	for _, p := range slices.Backward(s.parts) {
		if err := p.stop(); err != nil {
			failures = errors.Join(failures, fmt.Errorf("stop %s: %w", p.name, err))
		}
	}
	for _, port := range s.ports {
		failures = errors.Join(failures, port.Close())
	}
	if len(s.parts) > 0 && failures == nil {
		s.say("Everything has stopped; the data is kept in %s", s.options.Folder)
	}
	return failures
}

func (s *stack) say(format string, args ...any) {
	_, _ = fmt.Fprintf(s.out(), format+"\n", args...)
}

func (s *stack) out() io.Writer { return s.options.Out }

func since(start time.Time) string { return fmt.Sprintf("%.1f s", time.Since(start).Seconds()) }
