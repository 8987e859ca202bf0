package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Time limits of a connection, each below the next: reading a request, handling it (httpapi: 8 s, or 1.7 s where services
// wait), writing the answer, keeping an idle connection. SHUTDOWN_TIMEOUT is above all but the last.
const (
	readTimeout  = 5 * time.Second
	writeTimeout = 15 * time.Second
	idleTimeout  = 2 * time.Minute
)

// maxHeaderBytes leaves room for an 8 KiB token beside the usual headers.
const maxHeaderBytes = 32 << 10

// server is one listener and what it needs to stop without losing a request.
type server struct {
	handler  http.Handler
	listener net.Listener
	draining *atomic.Bool  // nil: nobody asks
	drain    time.Duration // how long it serves on after it has turned unready
	timeout  time.Duration
}

// serve accepts connections until ctx ends. Then it drains: for a while it serves on, unready and asking each client to
// close its connection, so that no request is on its way to a connection that is being closed; then it finishes and ends.
func serve(ctx context.Context, s server) error {
	srv := &http.Server{
		Handler: closeWhile(s.draining, s.handler), ReadHeaderTimeout: readTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(s.listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", s.listener.Addr(), err)
	case <-ctx.Done():
	}
	if s.draining != nil {
		s.draining.Store(true)
		time.Sleep(s.drain)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		return fmt.Errorf("finish the requests on %s: %w", s.listener.Addr(), errors.Join(err, srv.Close()))
	}
	return nil
}

// closeWhile asks clients to close their connections while draining is true.
func closeWhile(draining *atomic.Bool, next http.Handler) http.Handler {
	if draining == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
