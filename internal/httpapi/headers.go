package httpapi

import (
	"net/http"

	"github.com/go-chi/cors"
)

// These slices are shared by all answers and read-only.
var (
	noStore        = []string{"no-store"}
	noContent      = []string{"default-src 'none'; frame-ancestors 'none'"}
	noReferrer     = []string{"no-referrer"}
	transportAYear = []string{"max-age=31536000"}
	noSniff        = []string{"nosniff"}
	noFrame        = []string{"DENY"}
)

// setHeaders uses canonical names, which is faster.
func setHeaders(header http.Header, requestID string) {
	header["Cache-Control"] = noStore
	header["Content-Security-Policy"] = noContent
	header["Referrer-Policy"] = noReferrer
	header["Strict-Transport-Security"] = transportAYear
	header["X-Content-Type-Options"] = noSniff
	header["X-Frame-Options"] = noFrame
	header[requestIDHeader] = []string{requestID}
}

var crossOriginMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
}

// crossOriginHeaders includes the headers of tracing libraries: W3C Trace Context and Baggage, B3, Jaeger, Sentry, Datadog, AWS, Google.
var crossOriginHeaders = []string{
	"Authorization", "Content-Type", "Idempotency-Key", requestIDHeader,
	"Accept", "Accept-Language", "Content-Language", "Cache-Control", "Pragma", "If-Match", "If-None-Match", "If-Modified-Since",
	"If-Unmodified-Since", "X-Requested-With", "X-Correlation-Id",
	"Traceparent", "Tracestate", "Baggage", "B3", "X-B3-Traceid", "X-B3-Spanid", "X-B3-Parentspanid", "X-B3-Sampled", "X-B3-Flags",
	"Uber-Trace-Id", "Sentry-Trace", "X-Amzn-Trace-Id", "X-Cloud-Trace-Context", "X-Datadog-Trace-Id", "X-Datadog-Parent-Id",
	"X-Datadog-Sampling-Priority", "X-Datadog-Origin", "X-Datadog-Tags",
}

// crossOrigin allows no origin for an empty list; the library would allow all.
func crossOrigin(origins []string) func(http.Handler) http.Handler {
	if len(origins) == 0 {
		return func(next http.Handler) http.Handler { return next }
	}
	return cors.Handler(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: crossOriginMethods,
		AllowedHeaders: crossOriginHeaders,
		ExposedHeaders: []string{requestIDHeader, "Idempotent-Replayed", "Retry-After", "WWW-Authenticate"},
		MaxAge:         600,
	})
}
