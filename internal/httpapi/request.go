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

// request is a request on its way and all that the edge knows of it: the context that everything behind it works in, and the
// writer of its answer. One of them a request, so that each thing is found out once and costs no layer of its own.
type request struct {
	context.Context     // the connection's, and the request's trace
	http.ResponseWriter // the connection's

	id      string     // of the request
	client  netip.Addr // who is at the other end
	began   time.Time
	route   string       // of an answer that was given before the router
	routing *chi.Context // of every other: what the router knows
	op      operation    // of the contract; the zero one where the route is none of its
	auth    *authState   // who asks, of a request that the contract's validator has seen

	status int        // 0: nothing was written yet
	code   fault.Code // of a refusal
	cause  error
}

type requestKey struct{}

// Value makes the exchange, and what telemetry knows of it by, a part of its own context.
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

// enterRouter makes the exchange the context of all that comes after: what was answered before has had no need of one.
func enterRouter(routes http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := requestBehind(w)
		x.routing = chi.NewRouteContext()
		routes.ServeHTTP(w, r.WithContext(x))
	})
}

// requestBehind finds the request behind a writer that a middleware may have wrapped, as http.ResponseController does.
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

// requestOf is the exchange that a context belongs to: behind the edge there always is one.
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

// written is the status that the client was told: where nobody wrote any, net/http says 200.
func (x *request) written() int {
	if x.status == 0 {
		return http.StatusOK
	}
	return x.status
}

// noteError leaves an error for the access log: logged once, at the top.
func noteError(ctx context.Context, code fault.Code, cause error) {
	x := requestOf(ctx)
	x.code, x.cause = code, cause
}

// requestMiddleware is the outermost part of the edge, on every route: it names the request and its client, answers for panics, sets the
// headers that every answer has, and when all is done writes one line, counts one request and ends its span.
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
		defer recoverPanic(x, r) // within the end, so that a panic's 500 is logged and counted too
		next.ServeHTTP(x, r)
	})
}

// end says what became of a request. Names follow OpenTelemetry's HTTP conventions; neither bodies nor query strings nor headers are
// ever logged (O1).
func (e requestMiddleware) end(x *request, r *http.Request) {
	took, route, status := time.Since(x.began), x.routeOf(), x.outcome(r.Context())
	e.metrics.RequestEnded(r.Method, route, status, took)
	e.logRequest(x, r.Method, route, status, took)
	e.tracing.RequestAnswered(x, r.Method, route, status, string(x.code))
}

// statusClientGone is what log and metrics say of a request whose client hung up before it could be decided: nginx's number.
// It is never sent, and no failure of ours.
const statusClientGone = 499

// outcome is the status written, unless nobody was there to read it because the client's leaving is why the request failed.
func (x *request) outcome(connection context.Context) int {
	status := x.written()
	if status >= http.StatusInternalServerError && errors.Is(connection.Err(), context.Canceled) && errors.Is(x.cause, context.Canceled) {
		x.code = ""
		return statusClientGone
	}
	return status
}

// routeOf is the template of the matched route, so that neither logs nor metrics grow with what clients invent.
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
	if status >= http.StatusInternalServerError || x.code == fault.Internal { // a panic may come after the status
		level = slog.LevelError
	}
	if !e.log.Enabled(x, level) {
		return
	}
	line := slog.NewRecord(x.began.Add(took), level, "request", 0) // without where in the code: it is always here
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
	_ = e.log.Handler().Handle(x, line) // where the log itself fails there is nowhere to say so
}

// recoverPanic turns a panic into the envelope's 500. What was already on its way to the client is cut off instead.
func recoverPanic(x *request, r *http.Request) {
	reason := recover()
	if reason == nil {
		return
	}
	if reason == http.ErrAbortHandler { //nolint:errorlint // the value that net/http compares with
		panic(reason)
	}
	err := fault.Panic(reason)
	if x.status != 0 {
		noteError(x, fault.Internal, err)
		panic(http.ErrAbortHandler)
	}
	writeError(x, r.WithContext(x), err)
}
