package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"auth-v2-service/internal/config"
	"auth-v2-service/internal/telemetry"
)

// Options are set by main and tests.
type Options struct {
	Logger  *slog.Logger
	Version string
	// Listening receives the addresses once both servers listen. May be nil.
	Listening func(api, metrics net.Addr)
	// QueryTracer sees every statement. May be nil.
	QueryTracer pgx.QueryTracer
	// PasswordCost is for new hashes. 0 means bcrypt's default.
	PasswordCost int
	// LimitPatience is a request's time for Redis. 0 means limit's default.
	LimitPatience time.Duration
	// Clock moves tokens and sessions in tests, not timeouts. Nil means time.Now.
	Clock func() time.Time
}

// Run serves until ctx ends. Then it turns unready, drains, finishes and closes within SHUTDOWN_TIMEOUT. An error is a failed start or
// part.
func Run(ctx context.Context, c config.Config, o Options) error {
	parts, err := build(ctx, c, o)
	if err != nil {
		return err
	}
	api, metrics, err := listenBoth(ctx, c)
	if err != nil {
		parts.close(closePatience)
		return err
	}
	// It runs until the last request has ended.
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	group, running := errgroup.WithContext(ctx)
	for _, run := range parts.background() {
		group.Go(func() error { return run(background) })
	}
	group.Go(func() error { return parts.sync.Run(running) }) // starts no job after a stop
	group.Go(func() error { return parts.reconciler.Every(running, c.ReconcileEvery) })
	parts.awaitSubscriptions(ctx)
	if o.Listening != nil {
		o.Listening(api.Addr(), metrics.Addr())
	}
	o.Logger.InfoContext(ctx, "serving", telemetry.FieldServer, api.Addr().String(),
		telemetry.FieldMetricsServer, metrics.Addr().String(), telemetry.FieldVersion, o.Version)

	group.Go(func() error {
		defer stopBackground()
		return serve(running, server{
			handler: parts.handler, listener: api, draining: parts.draining, drain: c.ShutdownDrain, timeout: c.ShutdownTimeout,
		})
	})
	group.Go(func() error {
		return serve(background, server{handler: parts.metrics.Handler(), listener: metrics, timeout: c.ShutdownTimeout})
	})
	context.AfterFunc(running, func() { time.AfterFunc(c.ShutdownDrain+hashPatience, parts.passwords.Stop) })
	asked := make(chan time.Time, 1)
	context.AfterFunc(running, func() { asked <- time.Now() })
	err = group.Wait()
	left := c.ShutdownDrain + c.ShutdownTimeout - time.Since(<-asked)
	if !parts.close(min(closePatience, left)) {
		o.Logger.WarnContext(ctx, "not every connection closed in time: what it leads to hangs")
	}
	o.Logger.InfoContext(ctx, "stopped")
	return err
}

// hashPatience is the time for password checks after draining.
const hashPatience = 2 * time.Second

func (p *parts) background() []func(context.Context) error {
	return []func(context.Context) error{
		p.users.Run, p.known.run, p.invalidator.Run, p.announcer.Retry, p.invalidator.Forget, p.listener.Run, p.sharedCache.Run,
	}
}

const hearPatience = 3 * time.Second

// awaitSubscriptions waits for the first tries, so that no change is missed.
func (p *parts) awaitSubscriptions(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, hearPatience)
	defer cancel()
	for _, tried := range []<-chan struct{}{p.listener.Tried(), p.invalidator.Tried()} {
		select {
		case <-tried:
		case <-ctx.Done():
		}
	}
}

func listenBoth(ctx context.Context, c config.Config) (api, metrics net.Listener, err error) {
	if api, err = listen(ctx, c.ListenHost, c.Port); err != nil {
		return nil, nil, err
	}
	if metrics, err = listen(ctx, c.ListenHost, c.MetricsPort); err != nil {
		return nil, nil, errors.Join(err, api.Close())
	}
	return api, metrics, nil
}

func listen(ctx context.Context, host string, port int) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("listen on port %d: %w", port, err)
	}
	return listener, nil
}
