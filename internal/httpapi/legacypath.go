package httpapi

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// legacyPaths matches legacy paths as Express 4 does: without case, with an optional trailing slash. Double slashes and escaped letters do
// not match.
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

// withURL copies r: the server keeps the original.
func withURL(r *http.Request, change func(*url.URL)) *http.Request {
	again, changed := r.WithContext(r.Context()), *r.URL
	change(&changed)
	again.URL = &changed
	return again
}

// lowerASCII avoids Unicode, where two letters may share a lower case.
func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, text)
}
