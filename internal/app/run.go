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

// Options are what main and tests decide and an operator does not.
type Options struct {
	Logger  *slog.Logger
	Version string
	// Listening is told the addresses once both servers accept connections; may be nil.
	Listening func(api, metrics net.Addr)
	// QueryTracer sees every statement of the pool; how tests hold routes to their query budget. May be nil.
	QueryTracer pgx.QueryTracer
	// PasswordCost is the cost of new password hashes; 0: bcrypt's default. Tests take the lowest.
	PasswordCost int
	// LimitPatience is what a request may lose to Redis before its process counts alone; 0: limit's default. In tests, where everything
	// runs in one process, a loaded machine is no outage.
	LimitPatience time.Duration
	// Clock is this machine's clock, where a test moves it: for tokens and sessions, not for time limits. Nil: time.Now.
	Clock func() time.Time
}

// Run serves until ctx ends, then stops gracefully: it turns unready, lets clients take their connections elsewhere, finishes
// what is in flight and closes, both within SHUTDOWN_TIMEOUT. An error means that it could not start, or that a part failed.
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
	// What runs behind the requests goes on until the last request has ended.
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	group, running := errgroup.WithContext(ctx)
	for _, run := range parts.background() {
		group.Go(func() error { return run(background) })
	}
	group.Go(func() error { return parts.sync.Run(running) }) // takes no new job once it is to stop
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

// hashPatience is how long a stop goes on checking passwords once it has drained. A client that still waits is told to try again,
// at the instance that takes over.
const hashPatience = 2 * time.Second

// background is what runs behind the requests.
func (p *parts) background() []func(context.Context) error {
	return []func(context.Context) error{
		p.users.Run, p.known.run, p.invalidator.Run, p.invalidator.Retry, p.invalidator.Forget, p.listener.Run, p.sharedCache.Run,
	}
}

// hearPatience is how long a start waits for PostgreSQL and Redis to tell of changes.
const hearPatience = 3 * time.Second

// awaitSubscriptions lets who hears of changes have the first try before anybody is served: what is told from then on is heard, and what is
// remembered is not forgotten at once.
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
