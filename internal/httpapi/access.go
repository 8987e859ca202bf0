package httpapi

import (
	"context"
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

// accessLog writes one line and counts one request. Names follow OpenTelemetry's HTTP conventions; neither bodies nor query
// strings nor headers are ever logged (O1).
func accessLog(log *slog.Logger, metrics *telemetry.Metrics) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			began := time.Now()
			metrics.RequestStarted()
			e := &exchange{}
			r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, e))
			written := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			defer func() {
				took, route, code := time.Since(began), routeOf(r), statusOf(written)
				metrics.RequestEnded(r.Method, route, code, took)
				logExchange(r, log, e, route, code, took)
			}()
			next.ServeHTTP(written, r)
		})
	}
}

func logExchange(r *http.Request, log *slog.Logger, e *exchange, route string, code int, took time.Duration) {
	level := slog.LevelInfo
	attributes := []slog.Attr{
		slog.String("http.request.method", telemetry.KnownMethod(r.Method)),
		slog.String("http.route", route),
		slog.Int("http.response.status_code", code),
		slog.Duration("duration", took),
		slog.String("client.address", clientAddr(r.Context()).String()),
		slog.String("request_id", telemetry.RequestID(r.Context())),
	}
	if e.code != "" {
		attributes = append(attributes, slog.String("error.type", string(e.code)))
	}
	if code >= http.StatusInternalServerError {
		level = slog.LevelError
		attributes = append(attributes, slog.Any("error", e.cause))
	}
	log.LogAttrs(r.Context(), level, "request", attributes...)
}

// routeOf is the template of the matched route, so that neither logs nor metrics grow with what clients invent.
func routeOf(r *http.Request) string {
	if pattern := chi.RouteContext(r.Context()).RoutePattern(); pattern != "" {
		return pattern
	}
	return "unmatched"
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
