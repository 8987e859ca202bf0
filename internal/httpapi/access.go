package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"auth-v2-service/internal/fault"
	"auth-v2-service/internal/telemetry"
)

// exchange is what the access log learns of a request on its way.
type exchange struct {
	code  fault.Code
	cause error
}

type exchangeKey struct{}

// noteError leaves an error for the access log: logged once, at the top.
func noteError(ctx context.Context, code fault.Code, cause error) {
	if e, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		e.code, e.cause = code, cause
	}
}

// accessLog writes one line, counts one request and makes its span. Names follow OpenTelemetry's HTTP conventions; neither bodies
// nor query strings nor headers are ever logged (O1).
func accessLog(log *slog.Logger, metrics *telemetry.Metrics, tracing *telemetry.Tracing) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			began := time.Now()
			metrics.RequestStarted()
			e := &exchange{}
			connection := r.Context()
			r = r.WithContext(context.WithValue(tracing.RequestArrived(r), exchangeKey{}, e))
			written := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			defer func() {
				took, route, code := time.Since(began), routeOf(r), e.status(connection, statusOf(written))
				metrics.RequestEnded(r.Method, route, code, took)
				logExchange(r, log, e, route, code, took)
				tracing.RequestAnswered(r.Context(), r.Method, route, code, string(e.code))
			}()
			next.ServeHTTP(written, r)
		})
	}
}

// statusClientGone is what log and metrics say of a request whose client hung up before it could be decided: nginx's number.
// It is never sent, and no failure of ours.
const statusClientGone = 499

// status is the one written, unless nobody was there to read it because the client's leaving is why the request failed.
func (e *exchange) status(connection context.Context, written int) int {
	gone := errors.Is(connection.Err(), context.Canceled) && errors.Is(e.cause, context.Canceled)
	if gone && written >= http.StatusInternalServerError {
		e.code = ""
		return statusClientGone
	}
	return written
}

func logExchange(r *http.Request, log *slog.Logger, e *exchange, route string, code int, took time.Duration) {
	level := slog.LevelInfo
	attributes := []slog.Attr{
		slog.String(telemetry.FieldMethod, telemetry.KnownMethod(r.Method)),
		slog.String(telemetry.FieldRoute, route),
		slog.Int(telemetry.FieldStatus, code),
		slog.Float64(telemetry.FieldDuration, took.Seconds()),
		slog.String(telemetry.FieldClient, clientAddr(r.Context()).String()),
		slog.String(telemetry.FieldRequestID, telemetry.RequestID(r.Context())),
	}
	if e.code != "" {
		attributes = append(attributes, slog.String(telemetry.FieldErrorType, string(e.code)))
	}
	if code >= http.StatusInternalServerError {
		level = slog.LevelError
		attributes = append(attributes, slog.Any(telemetry.FieldError, e.cause))
	}
	log.LogAttrs(r.Context(), level, "request", attributes...)
}

// routeOf is the template of the matched route, so that neither logs nor metrics grow with what clients invent.
func routeOf(r *http.Request) string {
	if pattern := chi.RouteContext(r.Context()).RoutePattern(); pattern != "" {
		return pattern
	}
	return telemetry.NoRoute
}

func statusOf(w middleware.WrapResponseWriter) int {
	if code := w.Status(); code != 0 {
		return code
	}
	return http.StatusOK
}

// recoverPanic turns a panic into the envelope's 500. What was already on its way to the client is cut off instead.
func recoverPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			reason := recover()
			if reason == nil {
				return
			}
			if reason == http.ErrAbortHandler { //nolint:errorlint // the value that net/http compares with
				panic(reason)
			}
			err := fault.Panic(reason)
			if written, ok := w.(middleware.WrapResponseWriter); ok && written.Status() != 0 {
				noteError(r.Context(), fault.Internal, err)
				panic(http.ErrAbortHandler)
			}
			writeError(w, r, err)
		}()
		next.ServeHTTP(w, r)
	})
}
