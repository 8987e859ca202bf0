package authclient

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
)

const requestIDHeader = "X-Request-Id"

// requestID names the request towards the auth service and in refusals, so that both logs can be read as one: as the
// service's own middleware has named it on the answer, else as the client did, else anew.
func requestID(w http.ResponseWriter, r *http.Request) string {
	for _, id := range [...]string{w.Header().Get(requestIDHeader), r.Header.Get(requestIDHeader)} {
		if isRequestID(id) {
			return id
		}
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // crypto/rand never fails: it ends the program instead
	return hex.EncodeToString(id[:])
}

// isRequestID is what the service takes as one: 1 to 64 letters, digits, "-", "_" and ".".
func isRequestID(id string) bool {
	for i := range len(id) {
		c := id[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return id != "" && len(id) <= 64
}
