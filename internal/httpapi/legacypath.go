package httpapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// legacyPaths lets the deprecated surface be found as the old service's router (Express 4 by default) found it: letters have no
// case, and one slash may stand at the end. Two slashes and escaped letters are another path, as they were there. All other paths
// stay exact.
func legacyPaths(contract *openapi3.T) func(http.Handler) http.Handler {
	known := map[string]string{}
	for path, item := range contract.Paths.Map() {
		for _, o := range item.Operations() {
			if isLegacy(o.Tags) {
				known[lowerASCII(path)] = path
			}
		}
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if path := known[lowerASCII(strings.TrimSuffix(r.URL.Path, "/"))]; path != "" && path != r.URL.Path && r.URL.RawPath == "" {
				r = withURL(r, func(u *url.URL) { u.Path = path })
			}
			next.ServeHTTP(w, r)
		})
	}
}

// withURL is r with another URL. The server keeps the request as it came in.
func withURL(r *http.Request, change func(*url.URL)) *http.Request {
	again, changed := r.WithContext(r.Context()), *r.URL
	change(&changed)
	again.URL = &changed
	return again
}

// lowerASCII makes ASCII letters small and leaves all others: outside ASCII two letters may share a small one.
func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, text)
}
