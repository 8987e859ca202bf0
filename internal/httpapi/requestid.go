package httpapi

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"

	"auth-v2-service/internal/telemetry"
)

const requestIDHeader = "X-Request-Id"

// requestID names each request: the caller's own name where it sent a sane one, so that a trail can be followed across
// services; else 16 random bytes in hex.
func requestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !saneRequestID(id) {
			id = newRequestID()
		}
		w.Header().Set(requestIDHeader, id)
		next.ServeHTTP(w, r.WithContext(telemetry.WithRequestID(r.Context(), id)))
	})
}

func newRequestID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // crypto/rand never fails: it ends the program instead
	return hex.EncodeToString(id[:])
}

// saneRequestID lets through what cannot hurt a log: 1 to 64 letters, digits, "-", "_" and ".".
func saneRequestID(id string) bool {
	if len(id) == 0 || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}
