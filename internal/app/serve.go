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

// Each limit is below the next: read, handle (the contract's x-timeout), write, idle. SHUTDOWN_TIMEOUT exceeds all but idle.
const (
	readTimeout  = 5 * time.Second
	writeTimeout = 15 * time.Second
	idleTimeout  = 2 * time.Minute
)

// maxHeaderBytes allows an 8 KiB token.
const maxHeaderBytes = 32 << 10

type server struct {
	handler  http.Handler
	listener net.Listener
	draining *atomic.Bool  // may be nil
	drain    time.Duration // how long to serve after turning unready
	timeout  time.Duration
}

// serve drains after ctx ends: it asks clients to close connections, so that no request meets a closing one.
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
