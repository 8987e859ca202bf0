package authclient

import (
	"net/http"
	"strings"
)

// identityPrefixes begin gateways' identity headers (G4).
var identityPrefixes = [...]string{"x-user-", "x-auth-"}

func withoutIdentity(header http.Header) http.Header {
	for name := range header {
		if isIdentity(name) {
			return dropIdentity(header)
		}
	}
	return header
}

func dropIdentity(header http.Header) http.Header {
	out := make(http.Header, len(header))
	for name, values := range header {
		if !isIdentity(name) {
			out[name] = values
		}
	}
	return out
}

// isIdentity reads "." and "_" as "-", as CGI, WSGI and some proxies do.
func isIdentity(name string) bool {
	const length = len("x-user-")
	if len(name) < length {
		return false
	}
	var begin [length]byte
	for i := range length {
		c := name[i]
		if c == '.' || c == '_' {
			c = '-'
		}
		begin[i] = c
	}
	for _, prefix := range identityPrefixes {
		if strings.EqualFold(string(begin[:]), prefix) {
			return true
		}
	}
	return false
}
