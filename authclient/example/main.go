// Command example is a service behind authclient.
//
//	AUTH_URL=http://127.0.0.1:3008 LISTEN=127.0.0.1:8081 go run ./example
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"auth-v2-service/authclient"
)

func main() {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	if err := run(logger); err != nil {
		logger.Error("ended", "error", err)
		os.Exit(1)
	}
}

func run(logger *slog.Logger) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	options := authclient.Options{
		BaseURL:  cmp.Or(os.Getenv("AUTH_URL"), "http://127.0.0.1:3008"),
		OnVerify: func(r authclient.Result) { logVerified(logger, r) },
	}
	if err := options.Validate(); err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cmp.Or(os.Getenv("LISTEN"), "127.0.0.1:8081"))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: routes(authclient.New(options)), ReadHeaderTimeout: 5 * time.Second}
	logger.Info("serving", "server.address", listener.Addr().String())
	return serve(ctx, server, listener)
}

func routes(client *authclient.Client) http.Handler {
	admins := authclient.RequireType("admin")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.Handle("GET /me", client.Middleware(http.HandlerFunc(me)))
	mux.Handle("GET /admin", client.Middleware(admins(http.HandlerFunc(me))))
	return mux
}

func me(w http.ResponseWriter, r *http.Request) {
	user, _ := authclient.UserFrom(r.Context())
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"success": true, "data": map[string]any{"user": user}, "message": "You"})
}

func logVerified(logger *slog.Logger, r authclient.Result) {
	level := slog.LevelInfo
	if r.Outcome == authclient.Unavailable {
		level = slog.LevelError
	}
	logger.Log(context.Background(), level, "verified", "outcome", r.Outcome, "code", r.Code, "attempts", r.Attempts,
		"duration_ms", r.Duration.Milliseconds(), "request_id", r.RequestID, "error", r.Err)
}

// finishLimit exceeds net/http's 5 s for unused connections.
const finishLimit = 8 * time.Second

func serve(ctx context.Context, server *http.Server, listener net.Listener) error {
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishLimit)
	defer cancel()
	if err := server.Shutdown(finish); err != nil {
		return err
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
