package httpapi

import (
	"net/http"

	"github.com/go-chi/cors"
)

// Every answer has these. They are for browsers that are led here: answers are nobody's page, are kept nowhere and are what they say.
// A header's values are shared by all answers, and read alone.
var (
	noStore        = []string{"no-store"}
	noContent      = []string{"default-src 'none'; frame-ancestors 'none'"}
	noReferrer     = []string{"no-referrer"}
	transportAYear = []string{"max-age=31536000"}
	noSniff        = []string{"nosniff"}
	noFrame        = []string{"DENY"}
)

// setHeaders writes them by their canonical names, which spares net/http to find those out, and the request's own.
func setHeaders(header http.Header, requestID string) {
	header["Cache-Control"] = noStore
	header["Content-Security-Policy"] = noContent
	header["Referrer-Policy"] = noReferrer
	header["Strict-Transport-Security"] = transportAYear
	header["X-Content-Type-Options"] = noSniff
	header["X-Frame-Options"] = noFrame
	header[requestIDHeader] = []string{requestID}
}

// crossOrigin lets browsers call from the listed origins. Without a list no origin may: the library's own default is all.
func crossOrigin(origins []string) func(http.Handler) http.Handler {
	if len(origins) == 0 {
		return func(next http.Handler) http.Handler { return next }
	}
	return cors.Handler(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete},
		AllowedHeaders: []string{"Authorization", "Content-Type", "Idempotency-Key", requestIDHeader},
		ExposedHeaders: []string{requestIDHeader, "Idempotent-Replayed", "Retry-After", "WWW-Authenticate"},
		MaxAge:         600,
	})
}
