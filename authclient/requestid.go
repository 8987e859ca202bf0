package authclient

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
)

const requestIDHeader = "X-Request-Id"

// requestID prefers the outer middleware's ID to the client's, so both logs match.
func requestID(w http.ResponseWriter, r *http.Request) string {
	for _, id := range [...]string{w.Header().Get(requestIDHeader), r.Header.Get(requestIDHeader)} {
		if isRequestID(id) {
			return id
		}
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // crypto/rand never fails
	return hex.EncodeToString(id[:])
}

func isRequestID(id string) bool {
	for i := range len(id) {
		c := id[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return id != "" && len(id) <= 64
}
