package httpapi

import (
	"net/http"

	"auth-v2-service/internal/limit"
)

func limitAddress(limiter *limit.Limiter) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if op := operationOf(r); op.limited {
				if err := limiter.AllowAddress(r.Context(), op.id, clientAddr(r.Context())); err != nil {
					writeError(w, r, err)
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}
