package authclient

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
)

// refusal answers a request that does not pass. Only OnVerify gets the cause.
type refusal struct {
	status     int
	code       string
	message    string
	challenge  string // "" means the default
	retryAfter int    // seconds; 0 means none
	cause      error
}

// The messages are the service's.
var (
	errMissing        = &refusal{status: http.StatusUnauthorized, code: "token_missing", message: "A bearer token is required", challenge: "Bearer"}
	errMalformed      = &refusal{status: http.StatusUnauthorized, code: "token_invalid", message: "The token is not valid"}
	errTwoCredentials = &refusal{status: http.StatusBadRequest, code: "invalid_request", message: "Send one credential, not several"}
	errForbidden      = &refusal{status: http.StatusForbidden, code: "forbidden", message: "This account may not do this"}
	errMisplaced      = &refusal{status: http.StatusInternalServerError, code: "internal", message: "Something went wrong on our side"}
)

// In seconds.
const maxRetryAfter = 60

// unavailable returns 503. answered may hold the service's Retry-After.
func unavailable(cause error, answered http.Header) *refusal {
	seconds, err := strconv.Atoi(answered.Get("Retry-After"))
	if err != nil {
		seconds = 1
	}
	return &refusal{
		status: http.StatusServiceUnavailable, code: "dependency_unavailable",
		message: "Nobody can say who you are right now; try again in a moment", retryAfter: min(max(1, seconds), maxRetryAfter),
		cause: cause,
	}
}

func (e *refusal) Error() string { return e.code }

func refusalOf(err error) *refusal {
	if err == nil {
		return nil
	}
	var out *refusal
	if errors.As(err, &out) {
		return out
	}
	return unavailable(err, nil)
}

func (e *refusal) write(w http.ResponseWriter, id string) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set(requestIDHeader, id)
	if e.status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", e.challengeOr(`Bearer error="invalid_token"`))
	}
	if e.retryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(e.retryAfter))
	}
	w.WriteHeader(e.status)
	_ = json.NewEncoder(w).Encode(struct {
		Success   bool   `json:"success"`
		Message   string `json:"message"`
		Code      string `json:"code"`
		RequestID string `json:"request_id"`
	}{Message: e.message, Code: e.code, RequestID: id})
}

func (e *refusal) challengeOr(usual string) string {
	if e.challenge != "" {
		return e.challenge
	}
	return usual
}
