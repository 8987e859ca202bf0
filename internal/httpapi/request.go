package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-chi/chi/v5"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/telemetry"
)

// request is the context and response writer of a request, and what the edge knows of it. One struct replaces several layers.
type request struct {
	context.Context
	http.ResponseWriter

	id      string
	client  netip.Addr
	began   time.Time
	route   string       // of an answer before the router
	routing *chi.Context // nil before the router
	op      operation
	auth    *authState

	status int // 0: nothing written
	code   fault.Code
	cause  error
}

type requestKey struct{}

// Value adds the request and its ID to the context.
func (x *request) Value(key any) any {
	switch key.(type) {
	case requestKey:
		return x
	case telemetry.RequestIDKey:
		return x.id
	}
	if key == chi.RouteCtxKey && x.routing != nil {
		return x.routing
	}
	return x.Context.Value(key)
}

// enterRouter makes the request the context; earlier answers need none.
func enterRouter(routes http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := requestBehind(w)
		x.routing = chi.NewRouteContext()
		routes.ServeHTTP(w, r.WithContext(x))
	})
}

// requestBehind returns the request behind a writer that middleware may have wrapped, as http.ResponseController does.
func requestBehind(w http.ResponseWriter) *request {
	for {
		switch known := w.(type) {
		case *request:
			return known
		case interface{ Unwrap() http.ResponseWriter }:
			w = known.Unwrap()
		default:
			panic("httpapi: a writer that hides the request: its middleware needs Unwrap")
		}
	}
}

func requestOf(ctx context.Context) *request { return ctx.Value(requestKey{}).(*request) }

// WriteHeader implements http.ResponseWriter.
func (x *request) WriteHeader(status int) {
	if x.status == 0 && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (x *request) Write(body []byte) (int, error) {
	if x.status == 0 {
		x.status = http.StatusOK
	}
	return x.ResponseWriter.Write(body)
}

// Unwrap is for http.ResponseController.
func (x *request) Unwrap() http.ResponseWriter { return x.ResponseWriter }

func (x *request) written() int {
	if x.status == 0 {
		return http.StatusOK
	}
	return x.status
}

func noteError(ctx context.Context, code fault.Code, cause error) {
	x := requestOf(ctx)
	x.code, x.cause = code, cause
}

type requestMiddleware struct {
	log     *slog.Logger
	metrics *telemetry.Metrics
	tracing *telemetry.Tracing
	trusted []netip.Prefix
}

func (e requestMiddleware) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &request{
			Context: e.tracing.RequestArrived(r), ResponseWriter: w,
			id: requestIDOf(r), client: addressOf(r, e.trusted), began: time.Now(),
		}
		e.metrics.RequestStarted()
		setHeaders(w.Header(), x.id)
		defer e.end(x, r)
		defer recoverPanic(x, r) // before end, so that the 500 is reported
		next.ServeHTTP(x, r)
	})
}

// end never logs bodies, queries or headers (O1). Names follow OpenTelemetry.
func (e requestMiddleware) end(x *request, r *http.Request) {
	took, route, status := time.Since(x.began), x.routeOf(), x.outcome(r.Context())
	e.metrics.RequestEnded(r.Method, route, status, took)
	e.logRequest(x, r.Method, route, status, took)
	e.tracing.RequestAnswered(x, r.Method, route, status, string(x.code))
}

// statusClientGone is nginx's number for a client that hung up. It is never sent.
const statusClientGone = 499

// outcome is 499 if the request failed because its client left.
func (x *request) outcome(connection context.Context) int {
	status := x.written()
	if status >= http.StatusInternalServerError && errors.Is(connection.Err(), context.Canceled) && errors.Is(x.cause, context.Canceled) {
		x.code = ""
		return statusClientGone
	}
	return status
}

// routeOf is the route's template, which bounds label values.
func (x *request) routeOf() string {
	if x.route != "" {
		return x.route
	}
	if x.routing != nil {
		if pattern := x.routing.RoutePattern(); pattern != "" {
			return pattern
		}
	}
	return telemetry.NoRoute
}

func (e requestMiddleware) logRequest(x *request, method, route string, status int, took time.Duration) {
	level := slog.LevelInfo
	if status >= http.StatusInternalServerError || x.code == fault.Internal { // a panic may follow the status
		level = slog.LevelError
	}
	if !e.log.Enabled(x, level) {
		return
	}
	line := slog.NewRecord(x.began.Add(took), level, "request", 0)
	line.AddAttrs(
		slog.String(telemetry.FieldMethod, telemetry.KnownMethod(method)),
		slog.String(telemetry.FieldRoute, route),
		slog.Int(telemetry.FieldStatus, status),
		slog.Float64(telemetry.FieldDuration, took.Seconds()),
		slog.String(telemetry.FieldClient, x.client.String()),
		slog.String(telemetry.FieldRequestID, x.id),
	)
	if x.code != "" {
		line.AddAttrs(slog.String(telemetry.FieldErrorType, string(x.code)))
	}
	if level == slog.LevelError {
		line.AddAttrs(slog.Any(telemetry.FieldError, x.cause))
	}
	_ = e.log.Handler().Handle(x, line) // nowhere to report
}

// recoverPanic answers 500, or cuts off an answer under way.
func recoverPanic(x *request, r *http.Request) {
	reason := recover()
	if reason == nil {
		return
	}
	if reason == http.ErrAbortHandler { //nolint:errorlint // net/http compares it
		panic(reason)
	}
	err := fault.Panic(reason)
	if x.status != 0 {
		noteError(x, fault.Internal, err)
		panic(http.ErrAbortHandler)
	}
	writeError(x, r.WithContext(x), err)
}
