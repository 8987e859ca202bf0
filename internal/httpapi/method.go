package httpapi

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
)

// headAsGet follows RFC 9110 section 9.3.2.
func headAsGet(routes chi.Routes) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead && !takes(routes, http.MethodHead, r) && takes(routes, http.MethodGet, r) {
				r = r.WithContext(r.Context())
				r.Method = http.MethodGet
			}
			next.ServeHTTP(w, r)
		})
	}
}

func takes(routes chi.Routes, method string, r *http.Request) bool {
	path := r.URL.RawPath // like the router
	if path == "" {
		path = r.URL.Path
	}
	return routes.Match(chi.NewRouteContext(), method, path)
}

// methodNotAllowed sends Allow (RFC 9110 section 15.5.6), or 404 where no method is routed.
func methodNotAllowed(routes chi.Routes) http.HandlerFunc {
	methods := []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	return func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, method := range methods {
			if takes(routes, method, r) || method == http.MethodHead && takes(routes, http.MethodGet, r) {
				allowed = append(allowed, method)
			}
		}
		if allowed == nil {
			writeError(w, r, errNoRoute)
			return
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		writeError(w, r, errMethod)
	}
}
